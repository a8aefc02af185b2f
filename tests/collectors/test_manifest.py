"""The manifest is sorted, sealed, and says which line is wrong."""

import json
import random
from pathlib import Path

import pytest
from builders import a_record

from collectors import manifest as manifests
from collectors.manifest import Manifest, ManifestBroken, ManifestTooNew


def sealed(*numbers: int) -> Manifest:
    return manifests.seal(
        [a_record(number=number) for number in numbers],
        name="nebulae",
        subject="nebula",
        recipe_sha256="0" * 64,
        tool="0.1.0",
        skipped={"too-small": 3},
    )


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "nebulae.jsonl"
    manifests.write(sealed(3, 1, 2), path)
    return path


def change_line(path: Path, number: int, change: object) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    value = json.loads(lines[number - 1])
    assert callable(change)
    change(value)
    lines[number - 1] = json.dumps(value).encode() + b"\n"
    path.write_bytes(b"".join(lines))


def test_a_manifest_comes_back_as_it_was_written(written: Path) -> None:
    assert manifests.read(written) == sealed(1, 2, 3)


def test_the_order_of_collecting_leaves_no_trace(tmp_path: Path) -> None:
    numbers = list(range(1, 40))
    first, second = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    manifests.write(sealed(*numbers), first)
    random.Random(7).shuffle(numbers)
    manifests.write(sealed(*numbers), second)
    assert first.read_bytes() == second.read_bytes()


def test_the_root_hash_follows_the_files_and_not_when_they_were_seen() -> None:
    record = a_record(number=1)
    later = record.model_copy(
        update={"seen": record.seen.model_copy(update={"first": "2030-01-01T00:00:00Z"})}
    )
    other = a_record(number=1, file={"sha256": "f" * 64})
    assert manifests.root_hash([record]) == manifests.root_hash([later])
    assert manifests.root_hash([record]) != manifests.root_hash([other])


def test_a_file_that_was_swapped_breaks_the_seal(written: Path) -> None:
    change_line(written, 1, lambda header: header.pop("seals"))
    change_line(written, 3, lambda value: value["file"].update(sha256="e" * 64))
    with pytest.raises(ManifestBroken, match="root hash"):
        manifests.read(written)


@pytest.mark.parametrize(("line", "first", "last"), [(2, 2, 17), (17, 2, 17), (18, 18, 33), (41, 34, 41)])
def test_anything_edited_by_hand_is_noticed_and_the_place_is_named(
    tmp_path: Path, line: int, first: int, last: int
) -> None:
    path = tmp_path / "nebulae.jsonl"
    manifests.write(sealed(*range(1, 41)), path)
    change_line(path, line, lambda value: value["rights"].update(expression="CC0-1.0", chosen="CC0-1.0"))
    with pytest.raises(ManifestBroken) as caught:
        manifests.read(path)
    assert caught.value.line == first
    assert f"to {last} was changed" in caught.value.problem


def test_the_last_record_alone_under_its_seal_is_named_itself(tmp_path: Path) -> None:
    path = tmp_path / "nebulae.jsonl"
    manifests.write(sealed(*range(1, 18)), path)
    change_line(path, 18, lambda value: value.update(credit_line="Somebody else"))
    with pytest.raises(ManifestBroken, match="line 18: this line was changed"):
        manifests.read(path)


def test_a_manifest_from_before_partial_seals_is_still_read(written: Path) -> None:
    change_line(written, 1, lambda header: header.pop("seals"))
    assert manifests.read(written).records == sealed(1, 2, 3).records


def test_a_line_that_was_removed_breaks_the_seal(written: Path) -> None:
    written.write_bytes(b"".join(written.read_bytes().splitlines(keepends=True)[:-1]))
    with pytest.raises(ManifestBroken, match="promises 3 records, 2 are there"):
        manifests.read(written)


@pytest.mark.parametrize(
    ("spoil", "line", "words"),
    [
        (lambda text: text.replace(b'"uid":"commons:M2"', b'"uid":"commons:../2"'), 3, "uid"),
        (lambda text: text.replace(b'"uid":"commons:M2"', b'"uid":"commons:M1"'), 3, "twice"),
        (lambda text: text.replace(b'"uid":"commons:M2"', b'"uid":"commons:M0"'), 3, "not sorted"),
        (lambda text: text[:-20], 4, "cut off"),
        (lambda text: text.replace(b'{"ai"', b'{{"ai"', 1), 2, "not JSON"),
        (
            lambda text: text.replace(b'"subject":"nebula","title"', b'"subjekt":"nebula","title"', 1),
            2,
            "subje",
        ),
        (lambda text: b'["a list"]\n' + text, 1, "not a JSON object"),
        (lambda text: b'{"some":"thing"}\n' + text, 1, "not the header"),
        (lambda text: b"", None, "empty"),
    ],
)
def test_a_wrong_line_is_named(written: Path, spoil: object, line: int | None, words: str) -> None:
    assert callable(spoil)
    written.write_bytes(spoil(written.read_bytes()))
    with pytest.raises(ManifestBroken) as caught:
        manifests.read(written)
    assert (caught.value.line, words in caught.value.problem) == (line, True), caught.value


def test_a_manifest_of_tomorrow_is_not_misread(written: Path) -> None:
    change_line(written, 1, lambda header: header.update(format=manifests.FORMAT + 1, tool="9.0", news=True))
    with pytest.raises(ManifestTooNew) as caught:
        manifests.read(written)
    assert (caught.value.format, caught.value.tool) == (manifests.FORMAT + 1, "9.0")


def test_refused_images_stand_in_the_manifest_without_a_file() -> None:
    record = a_record(number=5, file=None)
    manifest = manifests.seal(
        [record, a_record(number=1)], name="n", subject="s", recipe_sha256="", tool="", skipped={}
    )
    assert (manifest.header.records, manifest.header.files) == (2, 1)
