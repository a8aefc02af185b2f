"""A manifest on the disk is read record by record, and its seal is believed only at its end."""

import hashlib
import heapq
import json
import string
import tracemalloc
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import a_record
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors import manifest as manifests
from collectors.manifest import Manifest, ManifestBroken
from collectors.record import Record
from collectors.storage.files import canonical_json

HEAD = {"name": "n", "subject": "s", "recipe_sha256": "0" * 64, "tool": "0", "skipped": {"too-small": 3}}

TEXTS = st.text(max_size=30) | st.sampled_from(
    ['","seen":{"', '"seal":"0123456789abcdef",', "\u2028\x85\n", "\\", "\x00", "é😀", '{"ai"']
)
"""Among them such as look like a part of the line they stand in."""


@st.composite
def records(draw: st.DrawFn) -> list[Record]:
    names = draw(st.lists(st.text(string.ascii_letters, min_size=1, max_size=6), unique=True, max_size=6))
    return [
        a_record(
            uid=f"commons:{name}",
            title=draw(TEXTS),
            description=draw(TEXTS),
            categories=(draw(TEXTS),),
            file=draw(st.sampled_from([None, {"sha256": "a" * 64, "bytes": 7, "mime": "image/png"}])),
            creator={"name": draw(st.none() | TEXTS)},
        )
        for name in names
    ]


def spelled_twice(manifest: Manifest) -> bytes:
    """A manifest's bytes as they are defined: each line canonical JSON with the seal of the rest in it."""
    lines = [canonical_json(manifest.header.model_dump(mode="json"))]
    for record in manifest.records:
        value = record.model_dump(mode="json", by_alias=True)
        sealed = hashlib.sha256(canonical_json(value)).hexdigest()[:16]
        lines.append(canonical_json({**value, "seal": sealed}))
    return b"".join(line + b"\n" for line in lines)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "nebulae.jsonl"
    manifests.write(manifests.seal([a_record(number=n) for n in (1, 2, 3)], **HEAD), path)
    return path


@settings(max_examples=40, deadline=None)
@given(found=records())
def test_whole_and_streamed_are_the_same_bytes_and_the_same_records(
    found: list[Record], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("manifests")
    manifest = manifests.seal(found, **HEAD)
    manifests.write(manifest, folder / "whole.jsonl")
    header = manifests.write_sorted(iter(manifest.records), folder / "streamed.jsonl", **HEAD)
    data = (folder / "whole.jsonl").read_bytes()
    assert data == spelled_twice(manifest) == (folder / "streamed.jsonl").read_bytes()
    there = manifests.stream(folder / "whole.jsonl")
    assert there.header == header == manifest.header
    assert tuple(there.records) == tuple(there.records) == manifest.records  # as often as it is asked
    assert manifests.read(folder / "whole.jsonl") == manifest


def test_a_line_in_other_words_with_its_seal_is_the_same_record(written: Path) -> None:
    whole = manifests.read(written)
    lines = [json.dumps(json.loads(line)) for line in written.read_bytes().splitlines()]
    written.write_text("\n".join(lines) + "\n")
    assert manifests.read(written) == whole


def test_a_broken_seal_shows_at_the_end_and_not_before(written: Path) -> None:
    lines = written.read_bytes().splitlines(keepends=True)
    written.write_bytes(b"".join(lines[:-1]))
    came = []
    with pytest.raises(ManifestBroken, match="promises 3 records, 2 are there"):
        for record in manifests.stream(written).records:
            came.append(record.uid)
    assert came == ["commons:M1", "commons:M2"]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda lines: [lines[0], lines[2], lines[1], lines[3]], "line 3: uid commons:M1 .* not sorted"),
        (lambda lines: [*lines[:3], lines[2]], "line 4: uid commons:M2 .* twice"),
        (lambda lines: [*lines[:3], lines[3][:-9]], "line 4: .*cut off"),
        (lambda lines: [*lines[:3], lines[3].replace(b"Ada", b"Bob")], "line 4: commons:M3 was edited"),
    ],
)
def test_a_stream_names_the_line_that_is_wrong(written: Path, spoil: object, words: str) -> None:
    assert callable(spoil)
    written.write_bytes(b"".join(spoil(written.read_bytes().splitlines(keepends=True))))
    with pytest.raises(ManifestBroken, match=words):
        deque(manifests.stream(written).records, maxlen=0)


def test_a_manifest_that_is_written_anew_between_two_looks_is_not_mixed(written: Path) -> None:
    there = manifests.stream(written)
    manifests.write(manifests.seal([a_record(number=9)], **HEAD), written)
    with pytest.raises(ManifestBroken, match="written anew"):
        next(iter(there.records))


def test_a_part_takes_the_place_of_the_whole_it_is_read_from(written: Path) -> None:
    there = manifests.stream(written)
    manifests.write_sorted((one for one in there.records if one.uid != "commons:M2"), written, **HEAD)
    assert [one.uid for one in manifests.read(written).records] == ["commons:M1", "commons:M3"]


def test_nothing_is_written_from_a_manifest_whose_seal_is_broken(written: Path, tmp_path: Path) -> None:
    lines = written.read_bytes().splitlines(keepends=True)
    written.write_bytes(b"".join(lines[:-1]))
    target = tmp_path / "part.jsonl"
    with pytest.raises(ManifestBroken, match="promises 3"):
        manifests.write_sorted(manifests.stream(written).records, target, **HEAD)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["nebulae.jsonl"]


def test_parts_that_are_sorted_are_merged_and_a_uid_in_both_is_an_error(tmp_path: Path) -> None:
    parts = [[a_record(number=n) for n in numbers] for numbers in ((1, 4), (2, 3))]
    target = tmp_path / "all.jsonl"
    manifests.write_sorted(heapq.merge(*parts, key=lambda one: one.uid), target, **HEAD)
    assert manifests.read(target) == manifests.seal([*parts[1], *parts[0]], **HEAD)
    with pytest.raises(ManifestBroken, match="twice"):
        manifests.write_sorted(heapq.merge(parts[0], parts[0], key=lambda one: one.uid), target, **HEAD)
    assert len(manifests.read(target).records) == 4


def test_twenty_thousand_records_are_filtered_in_the_memory_of_a_few(tmp_path: Path) -> None:
    path, part = tmp_path / "many.jsonl", tmp_path / "part.jsonl"
    model = a_record(number=1)

    def many() -> Iterator[Record]:
        for number in range(20_000):
            yield model.model_copy(update={"uid": f"commons:M{number:06}"})

    manifests.write_sorted(many(), path, **HEAD)
    tracemalloc.start()
    try:
        kept = (one for one in manifests.stream(path).records if one.uid.endswith("7"))
        header = manifests.write_sorted(kept, part, **HEAD)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert header.records == 2_000
    assert most < 4e6, f"{most / 1e6:.1f} MB for a file of {path.stat().st_size / 1e6:.0f} MB"


def test_what_many_records_have_word_for_word_is_kept_once(written: Path) -> None:
    first, second, third = manifests.read(written).records
    assert first.rights is second.rights is third.rights
    assert first.found_by is second.found_by
    assert first.creator != second.creator, "and what differs is not mixed up"
    assert first.rights == a_record(number=1).rights
