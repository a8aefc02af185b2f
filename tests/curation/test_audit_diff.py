"""Two manifests side by side: what came, what went, what reads differently."""

from builders import BY, ND, SA, a_file, a_manifest, a_record

from curation.audit_diff import ManifestDiff, diff, to_markdown, words_of

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
