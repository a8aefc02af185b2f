"""The words beside a dataset: valid for the Hub, complete in their credits, and deaf to hostile titles."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from builders import BY, CC0, NASA, SA, UNKNOWN, a_file, a_judgement, a_manifest, a_record
from huggingface_hub import DatasetCard
from markdown_it import MarkdownIt

from collectors.record import Reason, Record, Verdict
from curation.dataset import card
from curation.dataset.card import HUB_LICENCES, asks, hub_licence, size_category
from curation.dataset.columns import COLUMNS
from curation.dataset.facts import Facts, Origin
from curation.dataset.shards import Part
from curation.outcome import outcomes
from curation.settings import CurateSettings, PolicySettings, PublishSettings

HOSTILE = (
    '"]\n---\nlicense: mit\n# <script>alert(1)</script> ![x](http://evil.example/t.gif) '
    "| [y](javascript:z) `q` [z](http://evil.example) &lt;b&gt; http://evil.example"
)

MARKDOWN = MarkdownIt("commonmark").enable("table")


def facts(*records: Record, title: str | None = "Nebulae", **manifest: Any) -> Facts:
    whole = a_manifest(records, **manifest)
    judged = [a_judgement(record) for record in records if record.file]
    policy = PolicySettings()
    all_of_them = outcomes(whole, judged, policy)
    kept = sum(one.keep for one in all_of_them)
    parts = (a_part(rows=kept), a_part(config="metadata", folder="metadata", rows=kept))
    publish = PublishSettings(title=title)
    return Facts(whole, all_of_them, CurateSettings(), policy, publish, "f" * 64, parts)


def a_part(**changes: Any) -> Part:
    known = {"config": "default", "split": "train", "folder": "data", "rows": 1, "arrow_bytes": 2_000_000}
    shards = {"shards": ("data/train-00000-of-00001.parquet",), "bytes": 1_234_567}
    return Part.model_validate(known | shards | changes)


def texts(about: Facts) -> dict[str, str]:
    return dict(card.files(about))


def front(text: str, tmp_path: Path) -> dict[str, Any]:
    """The card's metadata, as the Hub's own library reads them."""
    path = tmp_path / "README.md"
    path.write_text(text)
    data: dict[str, Any] = DatasetCard.load(path).data.to_dict()
    assert data == yaml.safe_load(text.split("---\n")[1])
    return data


def test_a_mixed_set_has_no_single_licence(tmp_path: Path) -> None:
    text = texts(facts(a_record(number=1), a_record(number=2, rights=CC0), a_record(number=3, rights=BY)))
    data = front(text["README.md"], tmp_path)
    assert data["license"] == "other"
    assert data["license_name"] == "licence-per-image"
    assert data["license_link"] in text
    assert data["pretty_name"] == "Nebulae"
    assert data["task_categories"] == ["unconditional-image-generation"]
    assert data["size_categories"] == ["n<1K"]
    assert data["configs"] == [
        {
            "config_name": "default",
            "default": True,
            "data_files": [{"split": "train", "path": "data/train-*"}],
        },
        {"config_name": "metadata", "data_files": [{"split": "train", "path": "metadata/train-*"}]},
    ]


def test_one_licence_that_the_hub_knows_is_the_licence_of_the_set(tmp_path: Path) -> None:
    data = front(texts(facts(a_record(number=1), a_record(number=2)))["README.md"], tmp_path)
    assert data["license"] == "cc-by-sa-4.0"
    assert "license_name" not in data


def test_one_licence_that_the_hub_does_not_know_is_other(tmp_path: Path) -> None:
    about = facts(a_record(number=1, rights=NASA))
    assert front(texts(about)["README.md"], tmp_path)["license"] == "other"
    assert hub_licence([]) == "other"
    assert "CC-BY-SA-2.0" not in HUB_LICENCES
    assert "CC-BY-SA-2.5" not in HUB_LICENCES


def test_every_licence_stands_in_the_table_with_its_count_and_what_it_asks() -> None:
    text = texts(facts(a_record(number=1), a_record(number=2), a_record(number=3, rights=CC0)))
    for name in ("README.md", "LICENSE.md"):
        assert (
            "| [CC BY-SA 4.0](https://creativecommons.org/licenses/by-sa/4.0/) | `CC-BY-SA-4.0` | 2 "
            "| credit the creator, share adaptations alike |"
        ) in text[name]
        assert "| `CC0-1.0` | 1 | nothing |" in text[name]


def test_every_column_and_every_reason_is_explained() -> None:
    refused = a_record(
        number=9, rights=UNKNOWN, file=None, refused=Verdict(reason=Reason.NO_LICENCE, detail="nothing")
    )
    text = texts(facts(a_record(number=1), refused, skipped={"not-an-image": 1234}))["README.md"]
    for column in COLUMNS:
        assert f"| `{column.name}` | {column.type} | {column.words} |" in text
    assert f"| `no-licence` | 1 | {Reason.NO_LICENCE.words} |" in text
    assert f"| `not-an-image` | 1,234 | {Reason.NOT_AN_IMAGE.words} |" in text
    assert "Of 1,236 images seen, 1 is here." in text


def test_the_card_says_how_to_make_it_again() -> None:
    about = facts(a_record(number=1))
    text = texts(about)["README.md"]
    assert about.manifest.header.root_sha256 in text
    assert "f" * 64 in text
    assert "$ universe-gan build manifest/nebulae.toml --locked\n" in text
    assert "byte for byte" in text
    assert "universe-gan 0.1.0" in text


def test_the_card_says_it_with_the_repository_where_one_is_given(tmp_path: Path) -> None:
    about = facts(a_record(number=1))
    named = texts(replace(about, publish=PublishSettings(repo="ada/nebulae")))["README.md"]
    assert 'load_dataset("ada/nebulae", split="train")' in named
    assert "https://huggingface.co/datasets/ada/nebulae/discussions" in named
    assert "huggingface.co/datasets" not in texts(about)["README.md"]
    asked = texts(replace(about, publish=PublishSettings(contact="https://example.org/takedown")))
    assert (
        "please say so to [https\\://example.org/takedown](https://example.org/takedown)"
        in asked["README.md"]
    )


def test_the_card_names_every_configuration_with_its_columns_and_counts(tmp_path: Path) -> None:
    about = facts(a_record(number=1), a_record(number=2))
    parts = (*about.parts, a_part(split="test", rows=7, arrow_bytes=3, bytes=4))
    data = front(texts(replace(about, parts=parts))["README.md"], tmp_path)
    first, second = data["dataset_info"]
    assert first["splits"] == [
        {"name": "train", "num_bytes": 2_000_000, "num_examples": 2},
        {"name": "test", "num_bytes": 3, "num_examples": 7},
    ]
    assert (first["download_size"], first["dataset_size"]) == (1_234_567 + 4, 2_000_003)
    names = [column.name for column in COLUMNS]
    assert [one["name"] for one in first["features"]] == names
    assert [one["name"] for one in second["features"]] == names[1:]


def test_the_card_tells_how_copies_were_found_and_what_each_filter_dropped() -> None:
    records = [a_record(number=n) for n in (1, 2, 3, 4)]
    copy = {"first": "commons:M1", "second": "commons:M2"}
    twin = {"reason": "duplicate", "twin": "commons:M1"}
    judged = [
        a_judgement(records[0]),
        a_judgement(records[1], verdict=twin, edge=copy | {"kind": "verified", "inliers": 40}),
        a_judgement(records[2], verdict=twin, edge=copy | {"kind": "hash", "distance": 3}),
        a_judgement(records[3], verdict={"reason": "diagram"}),
    ]
    manifest = a_manifest(records)
    all_of_them = outcomes(manifest, judged, PolicySettings())
    settings = CurateSettings(screen={"diagram": 0.4, "text": 1})
    text = texts(replace(facts(*records), outcomes=all_of_them, settings=settings))["README.md"]
    assert "| perceptual hashes of 256 bits, nearly equal | 1 |" in text
    assert "| local features and agreement of the two: crops, small turns, captions, labels | 1 |" in text
    assert "| a diagram, chart or drawing, no photograph | 0.40 | 1 |" in text
    assert "| text or a watermark" not in text
    assert (
        "| a photograph by daylight; counted with what titles and categories call off-topic | 0.50 | 0 |"
        in text
    )


def test_the_card_says_when_local_features_could_not_be_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    said = "Local features were not compared (OpenCV was not installed)"
    monkeypatch.setattr(card.features, "available", lambda: True)
    assert said not in texts(facts(a_record()))["README.md"]
    monkeypatch.setattr(card.features, "available", lambda: False)
    assert said in texts(facts(a_record()))["README.md"]
    assert (
        said not in texts(replace(facts(a_record()), settings=CurateSettings(duplicates=False)))["README.md"]
    )
    turned_off = replace(facts(a_record()), settings=CurateSettings(match_parts=False))
    assert "Local features were not compared (the recipe turns it off)" in texts(turned_off)["README.md"]


def test_the_card_says_how_much_of_the_planets_was_cut_off() -> None:
    records = [a_record(number=n) for n in (1, 2)]
    judged = [
        a_judgement(records[0], crop="subject", lost={"centre": 0.3, "subject": 0.0}),
        a_judgement(records[1], crop="centre", lost={"centre": 0.1, "subject": 0.0}),
    ]
    all_of_them = outcomes(a_manifest(records), judged, PolicySettings())
    about = replace(facts(*records), outcomes=all_of_them, settings=CurateSettings(crop="subject"))
    text = texts(about)["README.md"]
    assert "A subject was found in 2 of them: centred squares would cut off 20.0 % of it on average" in text
    assert "these cut off\n   5.0 %." in text
    assert "A subject was found" not in texts(facts(a_record()))["README.md"]


def test_the_pictures_on_the_contact_sheet_are_credited_under_it() -> None:
    about = replace(facts(a_record(number=1), a_record(number=2, rights=CC0)), shown=("commons:M1",))
    text = texts(about)["README.md"]
    assert "![Some of the pictures](thumbnails.webp)" in text
    assert (
        "Row by row: [Nebula 1.jpg](https://commons.wikimedia.org/wiki/File:Nebula_1.jpg) (Ada Lane 1, "
        "[CC BY-SA 4.0](https://creativecommons.org/licenses/by-sa/4.0/)).\n"
    ) in text


def test_the_card_of_a_large_set_leaves_the_credits_to_their_file() -> None:
    few = texts(facts(*(a_record(number=n) for n in range(1, 61))))
    many = texts(facts(*(a_record(number=n) for n in range(1, 62))))
    assert few["README.md"].count("(`commons:M") == few["ATTRIBUTION.md"].count("(`commons:M") == 60
    assert many["README.md"].count("(`commons:M") == 0
    assert many["ATTRIBUTION.md"].count("(`commons:M") == 61


def test_a_rebuild_that_differs_says_in_what() -> None:
    whole = facts(a_record(number=1), a_record(number=2))
    lock = a_manifest([a_record(number=1, file=a_file(7)), a_record(number=2), a_record(number=3)])
    about = replace(whole, origin=Origin(lock=lock))
    assert [record.uid for record in about.missing] == ["commons:M3"]
    assert [record.uid for record in about.other_files] == ["commons:M1"]
    text = texts(about)["README.md"]
    assert "Missing: `commons:M3`." in text
    assert "Another file than the locked one, a size the source made anew: `commons:M1`." in text
    assert "byte for byte" not in text
    assert lock.header.root_sha256 in text
    assert "byte for byte" in texts(replace(whole, origin=Origin(lock=whole.manifest)))["README.md"]


def test_pictures_from_a_disk_and_letters_are_said_not_to_be_published() -> None:
    permission = {"scope": ("train", "publish"), "date": "2026-03-01", "proof": "https://example.org/letter"}
    text = texts(facts(a_record(uid="folder:a.png", source="folder", permission=permission)))["README.md"]
    assert "Pictures from a folder on the maker's disk (source `folder`): 1." in text
    assert "`permissions.toml`, which names the written permissions, is not published" in text
    assert "maker's disk" not in texts(facts(a_record()))["README.md"]


def test_a_hostile_name_does_not_break_out_of_the_citation() -> None:
    about = facts(a_record(), title='}, note = {x}\n```\n# <b>\\"')
    text = texts(about)["README.md"]
    block = text.split("```bibtex\n")[1].split("\n```")[0]
    assert block.count("{") == block.count("}") == 4
    assert len(block.splitlines()) == 5
    assert text.rstrip().endswith("```")


def test_doubts_about_rights_are_said() -> None:
    doubtful = a_record(number=1, rights=SA | {"confidence": "inferred", "conflict": "a says x, b says y"})
    calm = texts(facts(a_record(number=2)))["README.md"]
    text = texts(facts(doubtful, a_record(number=2)))["README.md"]
    assert "inferred from free text" in text
    assert "contradicts itself" in text
    assert "inferred from free text" not in calm
    assert "contradicts itself" not in calm


def test_written_permissions_and_the_notices_of_sources_are_said() -> None:
    permission = {"scope": ("train", "publish"), "date": "2026-03-01", "proof": "https://example.org/letter"}
    about = replace(facts(a_record(permission=permission)), notices=("This product uses the X API.",))
    text = texts(about)["README.md"]
    assert "1 of them is here by their author's written permission" in text
    assert "## Notices\n\n- This product uses the X API." in text
    assert "## Notices" not in texts(facts(a_record()))["README.md"]


def test_everybody_is_credited_with_title_author_source_and_licence() -> None:
    records = [a_record(number=n, rights=(SA, CC0)[n % 2]) for n in range(1, 6)]
    text = texts(facts(*records))["ATTRIBUTION.md"]
    for n in range(1, 6):
        assert (
            f"- [Nebula {n}.jpg](https://commons.wikimedia.org/wiki/File:Nebula_{n}.jpg) by "
            f"[Ada Lane {n}](https://commons.wikimedia.org/wiki/User:Ada_Lane) (`commons:M{n}`)\n"
        ) in text
    assert "## [CC BY-SA 4.0](https://creativecommons.org/licenses/by-sa/4.0/)" in text
    assert "cut to a square and scaled to 512 × 512 px" in text


def test_an_unknown_creator_is_said_to_be_unknown() -> None:
    text = texts(facts(a_record(number=1, rights=CC0, creator={"name": None, "url": None}, page=None)))
    assert "- Nebula 1.jpg, creator not stated (`commons:M1`)" in text["ATTRIBUTION.md"]


@pytest.mark.parametrize("where", ["title", "creator", "subject", "name"])
def test_hostile_words_stay_words(tmp_path: Path, where: str) -> None:
    record = a_record(
        number=1,
        title=HOSTILE if where == "title" else "File:A.jpg",
        creator={"name": HOSTILE if where == "creator" else "Ada", "url": "https://x.example/) <b>"},
    )
    about = facts(
        record,
        title=HOSTILE if where == "name" else "Nebulae",
        subject=HOSTILE if where == "subject" else "nebula",
    )
    all_texts = texts(about)
    data = front(all_texts["README.md"], tmp_path)
    assert data["license"] == "cc-by-sa-4.0"
    assert data["pretty_name"] == (" ".join(HOSTILE.split()) if where == "name" else "Nebulae")
    shown = " ".join(HOSTILE.split())
    for name, text in all_texts.items():
        assert "\nlicense: mit" not in text
        words = text.split("\n---\n", 1)[1] if name == "README.md" else text
        tokens = [token for block in MARKDOWN.parse(words) for token in (block, *(block.children or ()))]
        kinds = {token.type for token in tokens}
        assert not kinds & {"html_block", "html_inline", "image"}
        links = {str(token.attrs["href"]) for token in tokens if token.type == "link_open"}
        assert not [link for link in links if "evil" in link or link.startswith("javascript")]
        if name == "ATTRIBUTION.md" and where in ("title", "creator"):
            lines = [block.content for block in MARKDOWN.parse(words) if block.type == "inline"]
            assert len(lines) == 4
            assert shown in "".join(token.content for token in tokens if token.type == "text")


def test_size_categories_are_those_of_the_hub() -> None:
    sizes = [1, 999, 1_000, 9_999, 10_000, 100_000, 1_000_000, 10_000_000]
    assert [size_category(rows) for rows in sizes] == [
        "n<1K",
        "n<1K",
        "1K<n<10K",
        "1K<n<10K",
        "10K<n<100K",
        "100K<n<1M",
        "1M<n<10M",
        "10M<n<100M",
    ]


def test_a_licence_whose_terms_are_not_known_does_not_seem_free() -> None:
    from collectors import licences

    assert "partly unknown" in asks(licences.get("NOASSERTION"))
    assert asks(licences.get("CC0-1.0")) == "nothing"
    assert asks(licences.get("CC-BY-NC-ND-4.0")) == "credit the creator, no commercial use, no adaptations"
