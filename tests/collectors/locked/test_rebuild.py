"""The exact rebuild, case by case: what is fetched from where, what is left out, and what is told of it."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from builders import BY, CC0, NC, a_nebula, a_record, encoded
from faulty import FaultServer, Refuse
from sighted import NOON, Sky

from collectors.locked import departures
from collectors.locked.changes import Kind
from collectors.locked.rebuild import Fate, Rebuilt, collect_locked
from collectors.progress import Silent, Stage
from collectors.record import Original, Reason, Record, Verdict
from collectors.storage.files import DiskFull
from collectors.storage.stores import Store
from collectors.web.polite import polite_session


@pytest.fixture
def sky(tmp_path: Path) -> Iterator[Sky]:
    with FaultServer() as server:
        yield Sky(tmp_path, server)


def policy(record: Record) -> Verdict:
    if record.ai.opted_out:
        return Verdict(reason=Reason.OPTED_OUT, detail=", ".join(record.ai.signals))
    if record.rights.commercial is not True:
        return Verdict(reason=Reason.LICENCE_REFUSED, detail=record.rights.chosen)
    return Verdict()


def a_rebuild(sky: Sky, data: str = "data", **options: Any) -> Rebuilt:
    return collect_locked(
        sky.plan(),
        sky.lock(),
        sky.workspace(data),
        polite_session(None, {}, sleep=lambda seconds: None, tries=2),
        policy,
        now=lambda: NOON,
        **options,
    )


def fates(result: Rebuilt) -> dict[str, Fate]:
    return {image.uid: image.fate for image in result.images}


def test_what_is_as_it_was_comes_back_byte_for_byte(sky: Sky) -> None:
    records = [sky.put(number) for number in range(1, 4)]
    result = a_rebuild(sky)
    assert (result.counts, result.complete) == ({Fate.SAME: 3}, True)
    assert result.manifest is result.lock
    store = sky.workspace().originals
    assert all(record.file and record.file.sha256 in store for record in records)
    assert result.fetched_bytes == sum(record.file.bytes for record in records if record.file)
    assert sky.resolved == [], "the current file has the locked hash: there is nothing to resolve"


def test_only_what_is_not_here_is_asked_about(sky: Sky) -> None:
    first = sky.put(1)
    a_rebuild(sky)
    second = sky.put(2)
    result = a_rebuild(sky)
    assert sky.asked == [[first.uid], [second.uid]]
    assert fates(result) == {first.uid: Fate.HERE, second.uid: Fate.SAME}
    a_rebuild(sky)
    assert len(sky.asked) == 2
    a_rebuild(sky, every=True)
    assert sky.asked[2] == [first.uid, second.uid]


class Impatient(Silent):
    """Somebody who presses Ctrl-C after two files have come."""

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[Stage]:
        with super().stage(name, total) as stage:
            yield stage if name != "fetch" else self

    came = 0

    def advance(self, count: int = 1) -> None:
        self.came += count
        if self.came == 2:
            raise KeyboardInterrupt

    def expect(self, total: int) -> None:
        return


def test_an_interrupted_rebuild_goes_on_with_what_is_missing(sky: Sky) -> None:
    for number in range(1, 31):
        sky.put(number)
    sky.server.latency = 0.02
    with pytest.raises(KeyboardInterrupt):
        a_rebuild(sky, progress=Impatient())
    here = {record.uid for record in sky.locked if record.file and record.file.sha256 in stored(sky)}
    assert 2 <= len(here) < 30
    result = a_rebuild(sky)
    assert set(sky.asked[1]) == {record.uid for record in sky.locked} - here
    assert result.counts == {Fate.HERE: len(here), Fate.SAME: 30 - len(here)}
    assert result.manifest is result.lock


def stored(sky: Sky) -> Store:
    return sky.workspace().originals


def test_damage_in_the_store_is_noticed_and_mended(sky: Sky) -> None:
    record = sky.put(1)
    assert record.file
    a_rebuild(sky)
    path = stored(sky).path(record.file.sha256)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + b"?")
    result = a_rebuild(sky)
    assert path.read_bytes() == whole
    assert result.fetched_bytes == len(whole)


def test_a_renamed_file_is_fetched_from_its_new_address(sky: Sky) -> None:
    record = sky.put(1)
    sky.server.files["/new name.png"] = sky.server.files.pop("/1.png")
    address = f"{sky.server.base}/new%20name.png"
    sky.says(record, title="New", page="https://example.org/new", original={"url": address})
    result = a_rebuild(sky)
    assert fates(result) == {record.uid: Fate.RENAMED}
    assert [change.kind for change in result.images[0].changes] == [Kind.RENAMED]
    assert result.manifest is result.lock


def test_of_an_overwritten_file_the_archived_version_is_fetched(sky: Sky) -> None:
    record = sky.put(1)
    sky.server.files["/archive/1.png"] = sky.server.files["/1.png"]
    sky.server.files["/1.png"] = encoded(a_nebula(99, (50, 40)))
    sky.says(record, original={"sha1": "0" * 40, "width": 50})
    sky.archived[record.uid] = record.original.model_copy(update={"url": f"{sky.server.base}/archive/1.png"})
    result = a_rebuild(sky)
    assert (fates(result), sky.resolved) == ({record.uid: Fate.ARCHIVED}, [record.uid])
    assert result.manifest is result.lock
    assert record.file
    assert record.file.sha256 in sky.workspace().originals


def test_an_overwritten_file_without_an_archive_is_gone_and_its_successor_is_never_taken(sky: Sky) -> None:
    record, other = sky.put(1), sky.put(2)
    successor = encoded(a_nebula(99, (40, 30)))
    sky.server.files["/1.png"] = sky.server.files["/2.png"] = successor
    sky.says(record, original={"sha1": "0" * 40})
    sky.archived[record.uid] = None
    # Of the other the source does not know that it changed: its bytes say so.
    sky.says(other)
    result = a_rebuild(sky)
    assert fates(result) == {record.uid: Fate.GONE, other.uid: Fate.GONE}
    assert [image.reason for image in result.images] == [Reason.GONE, Reason.CHANGED]
    assert hashlib.sha256(successor).hexdigest() not in sky.workspace().originals


def test_a_deleted_image_is_an_open_matter_unless_it_may_be_missing(sky: Sky) -> None:
    gone, _ = sky.put(1), sky.put(2)
    sky.today[gone.uid] = None
    result = a_rebuild(sky)
    assert (fates(result)[gone.uid], result.complete) == (Fate.GONE, False)
    assert "/1.png" not in {asked.path for asked in sky.server.asked}
    assert result.manifest is result.lock
    result = a_rebuild(sky, allow_missing=True)
    assert result.complete
    listed = {record.uid: record for record in result.manifest.records}[gone.uid]
    assert (listed.file, listed.refused) == (
        None,
        Verdict(reason=Reason.GONE, detail="its page was deleted"),
    )
    assert result.manifest.header.root_sha256 != result.lock.header.root_sha256
    known = departures.read(sky.workspace(), sky.lock())
    assert departures.depart(sky.lock(), known) == result.manifest


def test_a_deleted_image_is_here_where_another_of_the_same_bytes_came(sky: Sky) -> None:
    gone, twin = sky.put(1), sky.put(2, like=1)
    sky.today[gone.uid] = None
    assert gone.file is not None
    assert twin.file is not None
    assert gone.file.sha256 == twin.file.sha256
    result = a_rebuild(sky)
    assert (fates(result), result.complete) == ({gone.uid: Fate.HERE, twin.uid: Fate.SAME}, True)
    assert fates(a_rebuild(sky)) == {gone.uid: Fate.HERE, twin.uid: Fate.HERE}


def test_what_comes_back_to_its_source_comes_back_to_the_dataset(sky: Sky) -> None:
    record = sky.put(1)
    sky.today[record.uid] = None
    a_rebuild(sky, allow_missing=True)
    del sky.today[record.uid]
    result = a_rebuild(sky, allow_missing=True)
    assert fates(result) == {record.uid: Fate.SAME}
    assert departures.read(sky.workspace(), sky.lock()).refused == {}


def test_freer_terms_leave_the_lock_as_it_is_and_are_told(sky: Sky) -> None:
    record = sky.put(1, rights=BY)
    sky.says(record, rights=a_record(rights=CC0).rights)
    result = a_rebuild(sky)
    assert (fates(result), result.manifest is result.lock) == ({record.uid: Fate.SAME}, True)
    assert [change.kind for image in result.changed for change in image.changes] == [Kind.LOOSENED]


@pytest.mark.parametrize(
    ("update", "reason"),
    [
        ({"rights": a_record(rights=NC).rights}, Reason.LICENCE_REFUSED),
        ({"ai": a_record(ai={"opted_out": True, "signals": ("noai",)}).ai}, Reason.OPTED_OUT),
    ],
)
def test_refused_terms_and_opt_outs_are_dropped_unfetched_and_listed(
    sky: Sky, update: dict[str, Any], reason: Reason
) -> None:
    record, kept = sky.put(1, rights=BY), sky.put(2, rights=BY)
    sky.says(record, **update)
    result = a_rebuild(sky)
    assert fates(result) == {record.uid: Fate.DROPPED, kept.uid: Fate.SAME}
    assert "/1.png" not in {asked.path for asked in sky.server.asked}
    assert (result.images[0].reason, result.complete) == (reason, False)
    # Dropped is dropped: the dataset goes without it, whether or not somebody allowed that.
    assert {one.uid for one in result.manifest.records if one.file} == {kept.uid}
    assert a_rebuild(sky, allow_missing=True).complete


def test_what_was_dropped_is_asked_about_again_though_its_file_is_here(sky: Sky) -> None:
    record = sky.put(1, rights=BY)
    a_rebuild(sky)
    sky.says(record, rights=a_record(rights=NC).rights)
    assert fates(a_rebuild(sky)) == {record.uid: Fate.HERE}
    assert fates(a_rebuild(sky, every=True)) == {record.uid: Fate.DROPPED}
    assert fates(a_rebuild(sky)) == {record.uid: Fate.DROPPED}
    del sky.today[record.uid]
    result = a_rebuild(sky)
    assert (fates(result), result.manifest is result.lock) == ({record.uid: Fate.HERE}, True)


def test_an_opt_out_that_comes_with_the_file_drops_it(sky: Sky) -> None:
    record = sky.put(1)
    sky.server.headers["/1.png"] = {"X-Robots-Tag": "noai"}
    result = a_rebuild(sky)
    assert fates(result) == {record.uid: Fate.DROPPED}
    assert result.images[0].reason is Reason.OPTED_OUT
    assert [one.file for one in result.manifest.records] == [None]


def test_a_deleted_image_whose_file_is_here_stays_and_is_told(sky: Sky) -> None:
    record = sky.put(1)
    a_rebuild(sky)
    sky.today[record.uid] = None
    result = a_rebuild(sky, every=True)
    assert (fates(result), result.complete) == ({record.uid: Fate.HERE}, True)
    assert [change.kind for change in result.images[0].changes] == [Kind.DELETED]


def resized(sky: Sky, size: tuple[int, int]) -> bytes:
    """The source's smaller size of image 1, made with other bytes than were locked."""
    data = encoded(a_nebula(1, size).convert("RGBA"))
    sky.server.files["/1.png"] = data
    return data


def test_a_rendition_with_other_bytes_is_taken_and_told(sky: Sky) -> None:
    record = sky.put(1, rendition="large")
    data = resized(sky, (40, 30))
    sky.archived[record.uid] = record.original
    result = a_rebuild(sky)
    assert (fates(result), result.complete) == ({record.uid: Fate.RENDITION}, True)
    file = result.manifest.records[0].file
    assert file
    assert (file.sha256, file.rendition, file.width) == (hashlib.sha256(data).hexdigest(), "large", 40)
    assert result.manifest.header.root_sha256 != result.lock.header.root_sha256
    asked = len(sky.server.asked)
    again = a_rebuild(sky)
    assert fates(again) == {record.uid: Fate.RENDITION}
    assert again.manifest == result.manifest
    assert len(sky.server.asked) == asked, "what was taken once is not fetched again"


def test_exact_refuses_a_rendition_with_other_bytes(sky: Sky) -> None:
    record = sky.put(1, rendition="large")
    resized(sky, (40, 30))
    result = a_rebuild(sky, exact=True)
    assert (fates(result), result.complete) == ({record.uid: Fate.GONE}, False)
    assert result.images[0].reason is Reason.CHANGED
    a_rebuild(sky)
    assert fates(a_rebuild(sky, exact=True)) == {record.uid: Fate.GONE}


def test_a_rendition_of_another_size_is_another_picture(sky: Sky) -> None:
    record = sky.put(1, rendition="large")
    resized(sky, (32, 24))
    result = a_rebuild(sky)
    assert fates(result) == {record.uid: Fate.GONE}
    assert "32 × 24" in result.images[0].detail


def test_an_original_with_other_bytes_is_never_taken_for_a_rendition(sky: Sky) -> None:
    record = sky.put(1)
    resized(sky, (40, 30))
    assert fates(a_rebuild(sky)) == {record.uid: Fate.GONE}


def test_a_busy_host_leaves_an_open_matter_even_where_images_may_be_missing(sky: Sky) -> None:
    record = sky.put(1)
    sky.server.plan = lambda asked: Refuse(503)
    result = a_rebuild(sky, allow_missing=True)
    assert (fates(result), result.complete) == ({record.uid: Fate.BUSY}, False)
    assert departures.read(sky.workspace(), sky.lock()).refused == {}
    sky.server.plan = lambda asked: None
    assert fates(a_rebuild(sky)) == {record.uid: Fate.SAME}


def test_a_source_that_cannot_be_looked_at_again_is_fetched_from_the_locked_address(sky: Sky) -> None:
    record = sky.put(1)
    sky.can_look = sky.can_resolve = False
    assert fates(a_rebuild(sky)) == {record.uid: Fate.SAME}


@pytest.mark.parametrize("expires", [False, True])
def test_addresses_are_asked_for_where_no_hash_vouches_for_the_old_one(sky: Sky, expires: bool) -> None:
    record = sky.put(1, original={"sha1": None})
    sky.expires = expires
    sky.server.files["/fresh.png"] = sky.server.files.pop("/1.png")
    sky.archived[record.uid] = Original(url=f"{sky.server.base}/fresh.png", mime="image/png")
    assert fates(a_rebuild(sky)) == {record.uid: Fate.SAME}
    assert sky.resolved == [record.uid]


def test_the_policy_of_the_recipe_holds_for_an_old_lock_too(sky: Sky) -> None:
    record = sky.put(1, rights=NC)
    sky.can_look = False
    assert fates(a_rebuild(sky)) == {record.uid: Fate.DROPPED}
    assert sky.server.asked == []


def test_departures_of_another_lock_mean_nothing(sky: Sky) -> None:
    gone = sky.put(1)
    sky.today[gone.uid] = None
    a_rebuild(sky, allow_missing=True)
    known = departures.read(sky.workspace(), sky.lock())
    assert set(known.refused) == {gone.uid}
    sky.put(2)
    assert departures.read(sky.workspace(), sky.lock()).refused == {}
    assert departures.depart(sky.lock(), known) == sky.lock()


def test_a_disk_that_is_too_small_is_noticed_before_anything_is_asked(sky: Sky) -> None:
    record = sky.put(1)
    assert record.file
    sky.locked = [record.model_copy(update={"file": record.file.model_copy(update={"bytes": 10**16})})]
    with pytest.raises(DiskFull):
        a_rebuild(sky)
    assert (sky.asked, sky.server.asked) == ([], [])


def test_every_fate_has_words() -> None:
    assert all(fate.words for fate in Fate)
