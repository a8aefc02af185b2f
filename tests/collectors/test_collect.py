"""Collecting: what is chosen, what is remembered, and that nothing depends on timing."""

import hashlib
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from builders import a_record

from collectors import manifest as manifests
from collectors.choice import choose, worth_fetching
from collectors.collect import NothingFound, collect
from collectors.frozen import Frozen
from collectors.plan import CollectSettings, Plan
from collectors.record import Original, Reason, Record, Skipped, Verdict
from collectors.source import Ask, Finished, Found, KeyMissing, Source
from collectors.storage.files import DiskFull
from collectors.storage.stores import Store
from collectors.storage.workspace import Workspace
from collectors.web.polite import polite_session

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63606060"
    "0000000400012734270a0000000049454e44ae426082"
)


class ShelfSettings(Frozen):
    path: str = "shelf"


@dataclass
class Shelf:
    """A source whose images lie on a loopback server; it counts how often it is asked."""

    root: Path
    address: str
    local: bool = False
    """Whether the tool reads the folder itself, instead of asking the server."""
    found: list[Found] = field(default_factory=list)
    asked: int = 0
    stop_after: int | None = None

    def put(self, number: int, query: str = "a", **changes: Any) -> Record:
        data = PIXEL + str(changes.pop("content", number)).encode()
        path = self.root / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        original = {
            "url": path.name if self.local else f"{self.address}/{path.name}",
            "sha1": hashlib.sha1(data).hexdigest(),
            "bytes": len(data),
            "width": 900,
            "height": 900,
            "mime": "image/png",
        } | changes.pop("original", {})
        record = a_record(
            number=number, source="shelf", found_by={"query": query}, original=original, file=None, **changes
        )
        self.found.append(record)
        return record

    def search(self, ask: Ask) -> Iterator[Found]:
        self.asked += 1
        for index, found in enumerate(self.found):
            if self.stop_after is not None and index >= self.stop_after:
                raise KeyboardInterrupt
            yield found

    def source(self) -> Source:
        def parse(answer: Mapping[str, Any], subject: str) -> Record:
            raise NotImplementedError

        def open_local(settings: Any, base: Path, original: Original) -> Path:
            return self.root / original.url

        reader = open_local if self.local else None
        return Source("shelf", "a shelf", ShelfSettings, self.search, parse, "terms", open_local=reader)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        return


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    root = tmp_path / "shelf"
    root.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=root)) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        yield Shelf(root, f"http://127.0.0.1:{server.server_port}")
        server.shutdown()


def a_plan(shelf: Shelf, **settings: Any) -> Plan:
    return Plan(
        name="things",
        base=shelf.root.parent,
        manifest=shelf.root.parent / "things.jsonl",
        settings=CollectSettings(subject="thing", **settings),
        sources=[(shelf.source(), ShelfSettings())],
        recipe_sha256="0" * 64,
        tool="test",
    )


def a_run(plan: Plan, wanted: Any = lambda record: Verdict(), data: str = "data", **options: Any) -> Any:
    return collect(
        plan,
        Workspace(plan.base / data),
        polite_session(None, {}),
        wanted,
        now=lambda: datetime(2026, 11, 2, tzinfo=UTC),
        **options,
    )


def test_what_is_found_is_fetched_verified_and_sealed(shelf: Shelf) -> None:
    for number in range(1, 6):
        shelf.put(number)
    plan = a_plan(shelf)
    result = a_run(plan)
    manifest = manifests.read(plan.manifest)
    assert manifest == result.manifest
    assert (manifest.header.files, result.taken, result.seen) == (5, 5, 5)
    store = Workspace(plan.base / "data").originals
    for record in manifest.records:
        assert record.file
        assert hashlib.sha1(store.read(record.file.sha256)).hexdigest() == record.original.sha1


def test_a_second_run_asks_nothing_and_writes_the_same_manifest(shelf: Shelf) -> None:
    shelf.put(1)
    plan = a_plan(shelf)
    a_run(plan)
    before = plan.manifest.read_bytes()
    again = a_run(plan)
    assert plan.manifest.read_bytes() == before
    assert (shelf.asked, again.fetched_bytes) == (1, 0)


def test_all_missing_keys_are_named_before_the_first_source_is_asked(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = {"SHELF_KEY": "https://shelf.example/keys", "SHELF_SECRET": "https://shelf.example/keys"}
    shelf.put(1)
    locked = replace(shelf.source(), name="locked", keys=at)
    barred = replace(shelf.source(), name="barred", keys={"BARRED_KEY": "https://barred.example/keys"})
    more = [(locked, ShelfSettings()), (barred, ShelfSettings())]
    plan = replace(a_plan(shelf), sources=[*a_plan(shelf).sources, *more])
    with pytest.raises(KeyMissing) as lacking:
        a_run(plan)
    assert shelf.asked == 0
    assert lacking.value.missing == {**locked.keys, **barred.keys}
    for name in lacking.value.missing:
        monkeypatch.setenv(name, "a key")
    a_run(plan)
    for name in lacking.value.missing:
        monkeypatch.delenv(name)
    assert (a_run(plan).taken, shelf.asked) == (1, 3)  # all is told, so nobody needs the key any more


def test_refresh_asks_again_and_keeps_the_files(shelf: Shelf) -> None:
    shelf.put(1)
    plan = a_plan(shelf)
    a_run(plan)
    shelf.put(2)
    again = a_run(plan, refresh=True)
    assert (shelf.asked, again.taken) == (2, 2)
    assert again.fetched_bytes == len(PIXEL) + 1


def test_what_is_said_again_word_for_word_keeps_its_first_date(shelf: Shelf) -> None:
    kept, changed = shelf.put(1), shelf.put(2, title="File:Two.jpg")
    plan = a_plan(shelf)
    before = {record.uid: record for record in a_run(plan).manifest.records}
    assert len(before) == 2
    later = [
        record.model_copy(
            update={
                "seen": record.seen.model_copy(update={"first": "2027-01-01T00:00:00Z"}),
                "evidence": tuple(
                    one.model_copy(update={"at": "2027-01-01T00:00:00Z"}) for one in record.evidence
                ),
            }
        )
        for record in (kept, changed.model_copy(update={"title": "File:Second.jpg"}))
    ]
    shelf.found[:] = later
    after = {record.uid: record for record in a_run(plan, refresh=True).manifest.records}
    assert after[kept.uid] == before[kept.uid]
    other = after[changed.uid]
    assert (other.title, other.seen.first) == ("File:Second.jpg", before[changed.uid].seen.first)
    assert {one.at for one in other.evidence} == {"2027-01-01T00:00:00Z"}


def test_a_folder_on_this_disk_is_always_looked_at_again(shelf: Shelf) -> None:
    shelf.local = True
    shelf.put(1)
    a_run(a_plan(shelf))
    shelf.put(2)
    assert a_run(a_plan(shelf)).taken == 2
    assert shelf.asked == 2


def test_a_new_limit_asks_nothing_again_but_a_new_subject_does(shelf: Shelf) -> None:
    for number in range(1, 5):
        shelf.put(number)
    a_run(a_plan(shelf, limit=2))
    assert a_run(a_plan(shelf, limit=3)).taken == 3
    assert shelf.asked == 1
    plan = a_plan(shelf)
    a_run(replace(plan, settings=CollectSettings(subject="other thing")))
    assert shelf.asked == 2


def test_an_interrupted_search_goes_on_and_ends_the_same(shelf: Shelf) -> None:
    for number in range(1, 8):
        shelf.put(number)
    calm = a_run(a_plan(shelf), data="calm").manifest
    shelf.stop_after = 4
    with pytest.raises(KeyboardInterrupt):
        a_run(a_plan(shelf))
    shelf.stop_after = None
    assert a_run(a_plan(shelf)).manifest == calm


def test_finished_units_are_handed_to_a_resumed_search(shelf: Shelf) -> None:
    shelf.put(1)
    shelf.found.append(Finished(unit="first room", leads_to=("second room",)))
    shelf.put(2)
    shelf.stop_after = 2
    with pytest.raises(KeyboardInterrupt):
        a_run(a_plan(shelf))
    seen: list[Mapping[str, tuple[str, ...]]] = []

    def resumed(ask: Ask) -> Iterator[Found]:
        seen.append(ask.finished)
        yield shelf.found[2]

    plan = a_plan(shelf)
    (source, settings), *_ = plan.sources
    result = a_run(replace(plan, sources=[(replace(source, search=resumed), settings)]))
    assert seen == [{"first room": ("second room",)}]
    assert result.taken == 2


def test_the_limit_is_shared_between_the_queries(shelf: Shelf) -> None:
    for number in range(1, 31):
        shelf.put(number, query="big")
    for number in range(31, 34):
        shelf.put(number, query="small")
    chosen = choose([record for record in shelf.found if isinstance(record, Record)], 10, {})
    queries = [record.found_by.query for record in chosen]
    assert (queries.count("small"), queries.count("big")) == (3, 7)


def test_a_few_new_files_at_the_source_change_only_a_few_places(shelf: Shelf) -> None:
    old = [shelf.put(number) for number in range(1, 101)]
    new = [*old, *(shelf.put(number) for number in range(101, 111))]
    before = {record.uid for record in choose(old, 50, {})}
    after = {record.uid for record in choose(new, 50, {})}
    assert len(before - after) <= 10


def test_a_file_that_is_gone_makes_room_for_the_next(shelf: Shelf) -> None:
    for number in range(1, 7):
        shelf.put(number)
    first = choose([record for record in shelf.found if isinstance(record, Record)], 1, {})[0]
    (shelf.root / Path(first.original.url).name).unlink()
    result = a_run(a_plan(shelf, limit=3))
    assert result.taken == 3
    assert result.manifest
    assert first.uid not in {record.uid for record in result.manifest.records}
    assert [(missed.key, missed.reason) for missed in result.missed] == [(first.uid, Reason.GONE)]
    assert result.manifest.header.skipped == {"gone": 1, "not-needed": 2}


def test_refresh_tries_once_more_what_was_gone(shelf: Shelf) -> None:
    shelf.put(1)
    lost = shelf.put(2)
    data = (shelf.root / "2.png").read_bytes()
    (shelf.root / "2.png").unlink()
    assert [missed.key for missed in a_run(a_plan(shelf)).missed] == [lost.uid]
    (shelf.root / "2.png").write_bytes(data)
    assert a_run(a_plan(shelf)).taken == 1
    assert a_run(a_plan(shelf), refresh=True).taken == 2
    assert a_run(a_plan(shelf)).taken == 2


def test_bytes_that_are_not_the_described_file_never_enter_the_dataset(shelf: Shelf) -> None:
    shelf.put(1)
    shelf.put(2, original={"sha1": "0" * 40})
    result = a_run(a_plan(shelf))
    assert result.taken == 1
    assert [missed.reason for missed in result.missed] == [Reason.DAMAGED]


def test_byte_identical_files_are_fetched_once_and_both_listed(shelf: Shelf) -> None:
    shelf.put(1, content="same")
    shelf.put(2, content="same")
    result = a_run(a_plan(shelf))
    assert result.taken == 2
    assert result.fetched_bytes == len(PIXEL) + 4


def test_refused_rights_stand_in_the_manifest_other_refusals_are_counted(shelf: Shelf) -> None:
    shelf.put(1)
    shelf.put(2, title="no licence")
    shelf.put(3, original={"mime": "image/svg+xml"})
    shelf.put(4, original={"width": 20})
    shelf.found.append(Skipped(key="5", reason=Reason.EXCLUDED_NAME))
    plan = a_plan(shelf, min_side=100)

    def wanted(record: Record) -> Verdict:
        return Verdict(reason=Reason.NO_LICENCE) if record.title == "no licence" else Verdict()

    result = a_run(plan, wanted)
    assert result.manifest
    refused = [record for record in result.manifest.records if record.file is None]
    assert [record.title for record in refused] == ["no licence"]
    assert refused[0].refused == Verdict(reason=Reason.NO_LICENCE)
    assert result.manifest.header.skipped == {"excluded-name": 1, "not-an-image": 1, "too-small": 1}
    assert not (Workspace(shelf.root.parent / "data").originals.root).joinpath("2.png").exists()


def test_sizes_that_the_source_does_not_state_are_no_reason_to_refuse() -> None:
    unknown = a_record(original={"width": None, "height": None, "bytes": None, "mime": None})
    assert worth_fetching(unknown, CollectSettings(subject="x")).keep


@pytest.mark.parametrize(
    ("original", "reason"),
    [
        ({"width": 30_000, "height": 20_000}, Reason.TOO_LARGE),
        ({"bytes": 300_000_000}, Reason.TOO_LARGE),
        ({"width": 0, "height": 0}, Reason.TOO_SMALL),
        ({"mime": "application/pdf"}, Reason.NOT_AN_IMAGE),
    ],
)
def test_what_is_not_worth_a_download_is_refused_before_it(original: dict[str, Any], reason: Reason) -> None:
    assert (
        worth_fetching(a_record(original=original), CollectSettings(subject="x", min_side=256)).reason
        is reason
    )


def test_a_dry_run_fetches_and_seals_nothing(shelf: Shelf) -> None:
    record = shelf.put(1)
    plan = a_plan(shelf)
    result = a_run(plan, dry_run=True)
    assert (result.taken, result.planned_bytes) == (1, record.original.bytes)
    assert not plan.manifest.exists()
    assert not (plan.base / "data" / "originals").exists()


def test_finding_nothing_at_all_is_said(shelf: Shelf) -> None:
    with pytest.raises(NothingFound) as caught:
        a_run(a_plan(shelf))
    assert caught.value.asked == ("a shelf: shelf",)


def test_a_disk_that_is_too_small_is_noticed_before_the_first_byte(shelf: Shelf) -> None:
    shelf.put(1, original={"bytes": 10**16})
    with pytest.raises(DiskFull) as caught:
        a_run(a_plan(shelf, max_megabytes=1e12))
    assert caught.value.needed == 10**16


@pytest.mark.timeout(60)  # it once went on for ever
@pytest.mark.parametrize("local", [False, True])
@pytest.mark.parametrize("bytes_more", [-10, 10])
def test_a_stored_file_of_another_size_is_fetched_again(shelf: Shelf, local: bool, bytes_more: int) -> None:
    shelf.local = local
    shelf.put(1)
    plan = a_plan(shelf)
    manifest = a_run(plan).manifest
    path = Workspace(plan.base / "data").originals.path(manifest.records[0].file.sha256)
    whole = path.read_bytes()
    path.write_bytes((whole + bytes(10))[: len(whole) + bytes_more])
    assert a_run(plan).fetched_bytes > 0
    assert path.read_bytes() == whole


@pytest.mark.timeout(60)
def test_what_the_store_does_not_hold_is_told_and_not_fetched_for_ever(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.put(1)
    monkeypatch.setattr(Store, "size", lambda self, sha256: None)
    result = a_run(a_plan(shelf))
    assert (result.manifest, result.pending, result.reasons) == (None, 1, {Reason.DAMAGED: 1})


def test_a_dry_run_after_a_run_gives_the_same_reasons(shelf: Shelf) -> None:
    shelf.put(1)
    shelf.put(2)
    (shelf.root / "2.png").unlink()
    plan = a_plan(shelf)
    assert a_run(plan).reasons == a_run(plan, dry_run=True).reasons == {Reason.GONE: 1}
