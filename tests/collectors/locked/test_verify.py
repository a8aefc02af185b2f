"""Looking again at what is locked: who is asked, what is told, and that nothing else happens."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from builders import BY, CC0, NC, SA, a_record
from faulty import FaultServer
from sighted import NOON, Sky

from collectors import manifest as manifests
from collectors.copies import settle_copies
from collectors.folder import SOURCE as FOLDER
from collectors.folder import FolderSettings
from collectors.locked.changes import Kind
from collectors.locked.verify import Drift, drifted, look, verify, with_dates
from collectors.plan import CollectSettings, Plan
from collectors.progress import Silent
from collectors.record import Reason, Record, Verdict
from collectors.source import Ask, KeyMissing, Sighting
from collectors.storage.workspace import Workspace
from collectors.web.polite import polite_session


@pytest.fixture
def sky(tmp_path: Path) -> Iterator[Sky]:
    with FaultServer() as server:
        yield Sky(tmp_path, server)


def no_nc(record: Record) -> Verdict:
    refused = record.rights.commercial is not True
    return Verdict(reason=Reason.LICENCE_REFUSED, detail=record.rights.chosen) if refused else Verdict()


def a_look(sky: Sky, now: datetime = NOON, **changes: Any) -> Drift:
    return verify(
        changes.pop("lock", sky.lock()),
        sky.plan(),
        sky.workspace(),
        polite_session(None, {}),
        no_nc,
        now=lambda: now,
    )


def kinds(drift: Drift) -> dict[str, list[Kind]]:
    return {image.uid: [change.kind for change in image.changes] for image in drift.images}


def test_an_unchanged_source_is_asked_once_about_everything_and_nothing_is_downloaded(sky: Sky) -> None:
    for number in range(1, 6):
        sky.put(number)
    drift = a_look(sky)
    assert (drift.looked_at, drift.images, drift.unasked) == (5, (), ())
    assert sky.asked == [[f"commons:M{number}" for number in range(1, 6)]]
    assert sky.server.asked == []
    assert not sky.workspace().originals.root.exists()


def test_each_image_is_told_with_all_its_changes_and_counted_once_a_kind(sky: Sky) -> None:
    gone, nc, named, same = (sky.put(number, rights=BY) for number in range(1, 5))
    sky.today[gone.uid] = None
    sky.says(nc, rights=a_record(rights=NC).rights)
    sky.says(named, title="Other", page="https://example.org/other")
    drift = a_look(sky)
    assert kinds(drift) == {
        gone.uid: [Kind.DELETED],
        nc.uid: [Kind.REFUSED, Kind.TIGHTENED],
        named.uid: [Kind.RENAMED],
    }
    assert [image.uid for image in drift.matters] == [gone.uid, nc.uid]
    assert list(drift.counts) == [Kind.DELETED, Kind.REFUSED, Kind.TIGHTENED, Kind.RENAMED]
    assert same.uid not in kinds(drift)
    pages = {image.uid: image.page for image in drift.images}
    assert (pages[gone.uid], pages[named.uid]) == (gone.page, "https://example.org/other")


def test_images_that_were_refused_before_they_were_fetched_are_not_asked_about(sky: Sky) -> None:
    sky.put(1)
    sky.locked.append(a_record(number=2, source="sky", file=None, refused={"reason": "no-licence"}))
    assert a_look(sky).looked_at == 1
    assert sky.asked == [["commons:M1"]]


def test_a_source_that_cannot_be_asked_again_is_said_and_not_taken_for_unchanged(sky: Sky) -> None:
    record = sky.put(1)
    sky.can_look = False
    drift = a_look(sky)
    assert (drift.looked_at, drift.unasked) == (0, (record.uid,))
    stray = sky.put(2).model_copy(update={"source": "elsewhere"})
    sky.can_look = True
    sky.locked[1] = stray
    assert a_look(sky).unasked == (stray.uid,)


def test_missing_keys_are_named_before_the_first_source_is_asked(sky: Sky) -> None:
    sky.put(1)
    far = replace(sky.source(), name="far", keys={"FAR_KEY": "https://far.example/keys"})
    plan = replace(sky.plan(), sources=[*sky.plan().sources, (far, sky.plan().sources[0][1])])

    def look_at(*records: Record) -> list[Sighting]:
        session = polite_session(None, {})
        return list(look(plan, sky.workspace(), session, records, progress=Silent(), now=lambda: NOON))

    with pytest.raises(KeyMissing, match="FAR_KEY"):
        look_at(*sky.locked, a_record(number=2, source="far"))
    assert sky.asked == []
    assert len(look_at(*sky.locked)) == 1, "where nothing comes from it, its key is not needed"


def test_an_interrupted_look_goes_on_where_it_stood(sky: Sky) -> None:
    for number in range(1, 7):
        sky.put(number)
    sky.stop_after = 4
    with pytest.raises(KeyboardInterrupt):
        a_look(sky)
    sky.stop_after = None
    later = a_look(sky, NOON + timedelta(hours=2))
    assert sky.asked[1] == ["commons:M5", "commons:M6"]
    assert (later.looked_at, later.at) == (6, "2026-11-20T12:00:00Z")
    a_look(sky)
    assert len(sky.asked[2]) == 6, "a finished look is not remembered"


def test_what_an_interrupted_look_was_told_is_forgotten_after_a_day_or_with_another_manifest(
    sky: Sky,
) -> None:
    for number in range(1, 4):
        sky.put(number)
    for later, count in ((timedelta(days=2), 3), (timedelta(), 4)):
        sky.stop_after = 2
        with pytest.raises(KeyboardInterrupt):
            a_look(sky)
        sky.stop_after = None
        if not later:
            sky.put(4)
        a_look(sky, NOON + later)
        assert len(sky.asked[-1]) == count


def test_dates_go_to_what_is_in_order_and_the_root_stays(sky: Sky, tmp_path: Path) -> None:
    gone, named, same = (sky.put(number) for number in range(1, 4))
    sky.today[gone.uid] = None
    sky.says(named, title="Other", page="https://example.org/other")
    lock = sky.lock()
    dated = with_dates(lock, a_look(sky), tool="later")
    seen = {record.uid: record.seen.last_verified for record in dated.records}
    assert seen == {gone.uid: None, named.uid: "2026-11-20T12:00:00Z", same.uid: "2026-11-20T12:00:00Z"}
    assert dated.header.root_sha256 == lock.header.root_sha256
    manifests.write(dated, tmp_path / "dated.jsonl")
    assert manifests.read(tmp_path / "dated.jsonl") == dated


def on_a_wiki(number: int, sha1: str, *licences: tuple[str, str]) -> Record:
    """A record of a wiki page whose evidence names these licences, each in a channel."""
    evidence = tuple(
        {"channel": channel, "field": "category" if channel == "categories" else "LicenseUrl", "value": value}
        for channel, value in licences
    )
    return a_record(number=number, original={"sha1": sha1}, evidence=evidence, rights=SA)


def test_copies_are_settled_on_both_sides_so_that_only_real_changes_are_told() -> None:
    """The page says CC0; its copy, which was refused, says BY-SA: locked as a conflict, and still one."""
    free = on_a_wiki(1, "a" * 40, ("categories", "CC-Zero"), ("extmetadata", ""))
    alike = on_a_wiki(2, "a" * 40, ("categories", "CC-BY-SA-4.0"), ("extmetadata", "")).model_copy(
        update={"file": None}
    )
    locked = settle_copies([free, alike])
    assert locked[0].rights.conflict
    unsettled = Sighting(uid=free.uid, now=free.model_copy(update={"rights": a_record(rights=CC0).rights}))
    assert list(drifted(locked, {free.uid: unsettled}, lambda record: Verdict())) == []


def test_a_folder_on_this_disk_is_read_again(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    for name in ("a.png", "b.png", "c.png"):
        (tmp_path / "images" / name).write_bytes(name.encode())
    lines = [f'{{"file": "{name}", "licence": "CC0-1.0"}}' for name in ("a.png", "b.png", "c.png")]
    (tmp_path / "credits.jsonl").write_text("\n".join(lines) + "\n")
    workspace = Workspace(tmp_path / "data")
    settings = FolderSettings(path="images")
    session = polite_session(None, {})
    ask = Ask(settings=settings, subject="nebula", session=session, answers=workspace.answers, base=tmp_path)
    file = a_record().file
    records = [one.model_copy(update={"file": file}) for one in FOLDER.search(ask) if isinstance(one, Record)]
    lock = manifests.seal(records, name="n", subject="nebula", recipe_sha256="0" * 64, tool="t", skipped={})
    (tmp_path / "images" / "a.png").write_bytes(b"another")
    (tmp_path / "images" / "b.png").unlink()
    plan = Plan(
        name="n",
        base=tmp_path,
        manifest=tmp_path / "n.jsonl",
        settings=CollectSettings(subject="nebula"),
        sources=[(FOLDER, settings)],
        recipe_sha256="0" * 64,
        tool="t",
    )
    drift = verify(lock, plan, workspace, session, lambda record: Verdict(), now=lambda: NOON)
    assert kinds(drift) == {"folder:a.png": [Kind.OVERWRITTEN], "folder:b.png": [Kind.DELETED]}
