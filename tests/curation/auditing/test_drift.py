"""The drift report: what matters first, everything in the JSON, and words from the web made harmless."""

import json
from pathlib import Path

from collectors.locked.changes import Change, Kind
from collectors.locked.verify import Drift, Drifted
from curation.auditing.drift import to_json, to_markdown, write


def a_drift(*images: Drifted, unasked: tuple[str, ...] = ()) -> Drift:
    return Drift(
        name="nebulae",
        root_sha256="0" * 64,
        at="2026-11-20T12:00:00Z",
        looked_at=1000,
        unasked=unasked,
        images=images,
    )


def an_image(number: int, *kinds: Kind, **changes: str) -> Drifted:
    said = {"before": "then", "after": "now"} | {
        name: changes.pop(name) for name in ("after",) if name in changes
    }
    return Drifted(
        uid=f"commons:M{number}",
        title=changes.get("title", f"Nebula {number}.jpg"),
        page=changes.get("page", f"https://commons.wikimedia.org/wiki/?curid={number}"),
        changes=tuple(Change(kind=kind, **said) for kind in kinds),
    )


def test_nothing_changed_is_said_in_one_line() -> None:
    assert "**Nothing changed.**" in to_markdown(a_drift())
    assert "1,000 images looked at" in to_markdown(a_drift())


def test_what_matters_comes_first_and_is_marked() -> None:
    text = to_markdown(
        a_drift(an_image(1, Kind.RENAMED), an_image(2, Kind.DELETED), an_image(3, Kind.RENAMED))
    )
    assert "**1 image needs a decision.**" in text
    assert "| deleted | 1 | no longer at its source | **matters** |" in text
    assert "| renamed | 2 | has another name |  |" in text
    assert text.index("## No longer at its source") < text.index("## Has another name")
    assert "**Nothing that matters changed.**" in to_markdown(a_drift(an_image(1, Kind.RENAMED)))


def test_words_from_the_web_stay_words() -> None:
    image = an_image(
        1,
        Kind.CREDIT,
        title="a](https://evil.example) <script>",
        page="javascript:alert(1)",
        after="x|y\n# z",
    )
    line = next(line for line in to_markdown(a_drift(image)).splitlines() if line.startswith("- "))
    assert "javascript:" not in line
    assert "<script>" not in line.replace("\\<script\\>", "")
    assert "](https" not in line.replace("\\](https", "")
    assert "x\\|y \\# z" in line


def test_long_lists_are_cut_in_the_page_and_whole_in_the_json(tmp_path: Path) -> None:
    drift = a_drift(
        *(an_image(number, Kind.RENAMED) for number in range(80)),
        unasked=tuple(f"x:{number}" for number in range(60)),
    )
    text = to_markdown(drift)
    assert "- and 30 more, in `drift.json`" in text
    assert "and 10 more" in text
    value = json.loads(to_json(drift))
    assert (len(value["images"]), len(value["unasked"])) == (80, 60)
    assert (value["counts"], value["matters"]) == ({"renamed": 80}, 0)
    write(drift, tmp_path / "audit")
    assert (tmp_path / "audit" / "drift.md").read_text(encoding="utf-8") == text
    assert json.loads((tmp_path / "audit" / "drift.json").read_text(encoding="utf-8")) == value
