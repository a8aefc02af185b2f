"""Two manifests side by side: what came, what went, what reads differently."""

from pathlib import Path

import pytest
from builders import BY, ND, SA, a_file, a_manifest, a_record
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors import manifest as manifests
from collectors.manifest import Manifest, ManifestBroken
from curation.auditing.audit_diff import ManifestDiff, diff, to_markdown, words_of

REFUSED = {"reason": "licence-refused", "detail": "no"}


def test_equal_manifests_differ_in_nothing() -> None:
    manifest = a_manifest([a_record(number=1), a_record(number=2)])
    found = diff(manifest, manifest)
    assert (found.added, found.removed, found.altered, found.same) == ((), (), (), 2)


def a_diff() -> ManifestDiff:
    older = a_manifest([a_record(number=n, rights=SA) for n in (1, 2, 3, 4)])
    newer = a_manifest(
        [
            a_record(number=1, rights=SA),
            a_record(number=2, rights=ND, file=None, refused=REFUSED),
            a_record(number=4, rights=SA, file=a_file(40), creator={"name": "Bo"}),
            a_record(number=5, rights=BY),
        ]
    )
    return diff(older, newer)


def test_images_that_came_and_went_are_listed_with_their_licence() -> None:
    found = a_diff()
    assert [(one.uid, one.licence, one.fetched) for one in found.added] == [("commons:M5", "CC-BY-4.0", True)]
    assert [one.uid for one in found.removed] == ["commons:M3"]
    assert found.same == 1


def test_rights_files_and_credits_that_changed_are_said() -> None:
    found = a_diff()
    tightened, other = found.altered
    assert list(words_of(tightened)) == [
        "rights-tightened: CC-BY-SA-4.0 → CC-BY-ND-4.0 (now also: no derivatives)",
        "file: no longer fetched: the recipe's policy refuses its licence",
    ]
    assert [change.kind.value for change in other.changes] == ["credit-changed"]
    assert other.file is not None
    assert found.counts == {"rights-tightened": 1, "credit-changed": 1}


def test_the_page_says_it_all_and_takes_no_markup_from_outside() -> None:
    page = to_markdown(a_diff())
    assert "1 added, 1 removed, 2 changed, 1 as before." in page
    for head in ("## Added (1)", "## Removed (1)", "## Changed (2)"):
        assert head in page
    evil = a_manifest([a_record(title="<b>](https://evil.example)", page="javascript:1")])
    assert "<b>" not in to_markdown(diff(a_manifest([]), evil))


def test_both_ways_say_the_same_images() -> None:
    older, newer = a_manifest([a_record(number=1)]), a_manifest([a_record(number=2)])
    assert diff(older, newer).added == diff(newer, older).removed


def by_dictionary(older: Manifest, newer: Manifest) -> tuple[list[str], list[str], list[str]]:
    """What came, what went, and what stands in both, found the plain way."""
    before, after = ([one.uid for one in manifest.records] for manifest in (older, newer))
    return (
        [uid for uid in after if uid not in before],
        [uid for uid in before if uid not in after],
        [uid for uid in after if uid in before],
    )


@given(*[st.sets(st.integers(0, 30))] * 2)
@settings(deadline=None, max_examples=40)
def test_whatever_is_in_both_it_is_found_in_one_go(ours: set[int], theirs: set[int]) -> None:
    older = a_manifest([a_record(number=n) for n in ours])
    newer = a_manifest([a_record(number=n, creator={"name": "Bo"}) for n in theirs])
    found = diff(older, newer)
    came, went, both = by_dictionary(older, newer)
    assert ([one.uid for one in found.added], [one.uid for one in found.removed]) == (came, went)
    assert ([one.uid for one in found.altered], found.same) == (both, 0)


def test_manifests_on_the_disk_differ_as_those_in_memory_and_a_broken_one_is_not_believed(
    tmp_path: Path,
) -> None:
    paths = [tmp_path / "older.jsonl", tmp_path / "newer.jsonl"]
    pair = [a_manifest([a_record(number=n) for n in numbers]) for numbers in ((1, 2, 3), (2, 3, 4))]
    for manifest, path in zip(pair, paths, strict=True):
        manifests.write(manifest, path)
    older, newer = map(manifests.stream, paths)
    assert diff(older, newer) == diff(*pair)
    paths[0].write_bytes(b"".join(paths[0].read_bytes().splitlines(keepends=True)[:-1]))
    with pytest.raises(ManifestBroken, match="promises 3 records, 2 are there"):
        diff(older, newer)
