"""Downloads: whatever the line does, a file is right or it is not there, and the reason is said."""

import fcntl
import hashlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from builders import a_nebula, a_record, encoded
from clockwork import Clock
from faulty import (
    ALL_FAULTS,
    Cut,
    Fault,
    FaultServer,
    Flip,
    Page,
    Refuse,
    Short,
    Stall,
    WrongRange,
    always,
    for_path,
    scripted,
    seeded,
    too_many,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collectors.record import Reason, Record, StoredFile
from collectors.storage.files import DiskFull
from collectors.storage.stores import Store
from collectors.web.download import Missed, copy_local, fetch_all
from collectors.web.parts import Part
from collectors.web.polite import NoContact, Pace, polite_session

JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF"
HTML = b"<!DOCTYPE html><title>not an image</title>"


def photo(number: int, size: int = 200_000) -> bytes:
    """Bytes that begin like a JPEG; another file for every number."""
    return JPEG + random.Random(number).randbytes(size - len(JPEG))


def no_sleep(seconds: float) -> None:
    """For waits that no clock counts."""


def quick_session(paces: Mapping[str, Pace] | None = None, **options: Any) -> requests.Session:
    """A polite session in whose time no wait is long."""
    clock = Clock()
    return polite_session(None, paces, sleep=clock.sleep, clock=clock.now, **options)


@dataclass
class Desk:
    """Where downloads of one test land."""

    root: Path

    @property
    def store(self) -> Store:
        return Store(self.root / "originals")

    @property
    def parts(self) -> Path:
        return self.root / "parts"

    def fetch(self, *records: Record, **options: Any) -> dict[str, StoredFile | Missed]:
        session = options.pop("session", None) or quick_session()
        options.setdefault("sleep", no_sleep)
        outcomes = list(fetch_all(records, session, self.store, self.parts, **options))
        assert sorted(record.uid for record, _ in outcomes) == sorted(record.uid for record in records)
        self.check()
        return {record.uid: outcome for record, outcome in outcomes}

    def fetch_one(self, record: Record, **options: Any) -> StoredFile | Missed:
        return self.fetch(record, **options)[record.uid]

    def check(self) -> None:
        """Whatever happened: every stored file is what its name says."""
        for path in self.store.root.rglob("*"):
            if path.is_file():
                assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name

    def left(self) -> list[str]:
        return sorted(path.suffix for path in self.parts.iterdir())


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def wanted(server: FaultServer, path: str, data: bytes, number: int = 1, **original: Any) -> Record:
    """A record of a file of this server, with all facts a good source states."""
    facts = {
        "url": server.base + path,
        "sha1": hashlib.sha1(data).hexdigest(),
        "bytes": len(data),
        "mime": "image/jpeg",
    }
    return a_record(number=number, original=facts | original, file=None)


def locked(record: Record, data: bytes) -> Record:
    """The record as a manifest has it."""
    file = StoredFile(sha256=hashlib.sha256(data).hexdigest(), bytes=len(data), mime="image/jpeg")
    return record.model_copy(update={"file": file})


def ranges(server: FaultServer) -> list[str | None]:
    return [one.headers.get("Range") for one in server.asked]


BARE: Mapping[str, Any] = {"sha1": None, "bytes": None, "mime": None}
"""What a source states that states nothing."""


def test_a_file_is_fetched_verified_and_described(desk: Desk) -> None:
    data = photo(1)
    with FaultServer({"/a.jpg": data}) as server:
        outcome = desk.fetch_one(wanted(server, "/a.jpg", data, width=900, height=700))
    assert outcome == StoredFile(
        sha256=hashlib.sha256(data).hexdigest(), bytes=len(data), mime="image/jpeg", width=900, height=700
    )
    assert desk.store.read(outcome.sha256) == data
    assert desk.left() == []


def test_files_come_with_an_accept_encoding_that_keeps_their_bytes(desk: Desk) -> None:
    data = photo(1)
    with FaultServer({"/a.jpg": data}) as server:
        desk.fetch_one(wanted(server, "/a.jpg", data))
    assert server.asked[0].headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("fault", ALL_FAULTS, ids=str)
@pytest.mark.parametrize("facts", [{}, BARE], ids=["stated", "nothing-stated"])
def test_one_fault_of_any_kind_is_survived(desk: Desk, fault: Fault, facts: Mapping[str, Any]) -> None:
    if facts and (isinstance(fault, Short | Flip) or fault == WrongRange(lie=True)):
        pytest.skip("nobody could tell without a hash or a length")
    data = photo(1)
    with FaultServer({"/a.jpg": data}, plan=scripted(Cut(0.3), fault)) as server:
        outcome = desk.fetch_one(wanted(server, "/a.jpg", data, **facts))
    assert isinstance(outcome, StoredFile), outcome
    assert desk.store.read(outcome.sha256) == data


def test_after_a_cut_only_the_rest_is_asked_for(desk: Desk) -> None:
    data = photo(1)
    with FaultServer({"/a.jpg": data}, plan=scripted(Cut(0.5), Cut(0.5))) as server:
        desk.fetch_one(wanted(server, "/a.jpg", data))
    assert ranges(server) == [None, "bytes=100000-", "bytes=150000-"]


def test_a_file_without_known_hash_is_resumed_under_its_etag(desk: Desk) -> None:
    data = photo(1)
    with FaultServer({"/a.jpg": data}, plan=scripted(Cut(0.5))) as server:
        assert isinstance(desk.fetch_one(wanted(server, "/a.jpg", data, **BARE)), StoredFile)
    etag = f'"{hashlib.md5(data).hexdigest()}"'
    assert server.asked[1].headers["If-Range"] == etag
    assert desk.left() == []


def test_without_hash_and_validator_a_cut_file_begins_again(desk: Desk) -> None:
    data = photo(1)
    weak = {"/a.jpg": {"ETag": 'W/"1"'}}
    with FaultServer({"/a.jpg": data}, plan=scripted(Cut(0.5)), headers=weak) as server:
        assert isinstance(desk.fetch_one(wanted(server, "/a.jpg", data, **BARE)), StoredFile)
    assert ranges(server) == [None, None]


def test_a_file_that_changed_between_cut_and_resume_is_not_glued_together(desk: Desk) -> None:
    old, new = photo(1), photo(2)
    server = FaultServer({"/a.jpg": old})

    def plan(asked: Any) -> Fault | None:
        if asked.number == 0:
            return Cut(0.5)
        server.files["/a.jpg"] = new
        return None

    server.plan = plan
    with server:
        outcome = desk.fetch_one(wanted(server, "/a.jpg", new, **BARE))
    assert isinstance(outcome, StoredFile)
    assert desk.store.read(outcome.sha256) == new


def test_what_came_in_an_earlier_run_is_not_asked_for_again(desk: Desk) -> None:
    data = photo(1)
    with FaultServer({"/a.jpg": data}, plan=scripted(Cut(0.5), *[Refuse(500)] * 6)) as server:
        record = wanted(server, "/a.jpg", data)
        missed = desk.fetch_one(record)
        assert isinstance(missed, Missed)
        assert (missed.reason, missed.again) == (Reason.BUSY, True)
        assert desk.left() == [".part"]
        assert isinstance(desk.fetch_one(record), StoredFile)
    assert ranges(server)[-1] == "bytes=100000-"


def test_a_part_that_is_complete_needs_no_request(desk: Desk) -> None:
    data = photo(1)
    with FaultServer({"/a.jpg": data}) as server:
        record = wanted(server, "/a.jpg", data)
        desk.parts.mkdir()
        name = hashlib.sha256(record.original.url.encode()).hexdigest()
        (desk.parts / f"{name}.part").write_bytes(data)
        assert isinstance(desk.fetch_one(record), StoredFile)
        assert server.asked == []


def test_two_processes_never_write_the_same_part(desk: Desk) -> None:
    data = photo(1)
    with FaultServer({"/a.jpg": data}) as server:
        record = wanted(server, "/a.jpg", data)
        with Part(desk.parts, record.original.url) as other:
            other.write(data[:1000])
            missed = desk.fetch_one(record)
            assert isinstance(missed, Missed)
            assert (missed.reason, missed.again, server.asked) == (Reason.BUSY, True, [])
        assert isinstance(desk.fetch_one(record), StoredFile)
    assert ranges(server) == ["bytes=1000-"]


def test_a_part_that_another_process_finished_meanwhile_is_not_written_to(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, lock = photo(1), fcntl.flock
    name = desk.store.add(data)
    desk.parts.mkdir()
    part = desk.parts / f"{hashlib.sha256(b'http://host/a.jpg').hexdigest()}.part"
    os.link(desk.store.path(name), part)

    def moved_into_the_store(file: Any, how: int) -> None:
        part.unlink(missing_ok=True)
        monkeypatch.setattr(fcntl, "flock", lock)

    monkeypatch.setattr(fcntl, "flock", moved_into_the_store)
    with Part(desk.parts, "http://host/a.jpg") as other:
        assert other.size == 0
        other.write(b"something else")
    assert desk.store.is_sound(name)


@pytest.mark.parametrize("part", [photo(2), photo(1) + b"more", b"", photo(2)[:900]], ids=len)
def test_a_foreign_part_does_no_harm(desk: Desk, part: bytes) -> None:
    data = photo(1)
    with FaultServer({"/a.jpg": data}) as server:
        record = wanted(server, "/a.jpg", data)
        desk.parts.mkdir()
        name = hashlib.sha256(record.original.url.encode()).hexdigest()
        (desk.parts / f"{name}.part").write_bytes(part)
        (desk.parts / f"{name}.json").write_bytes(b"{torn")
        assert isinstance(desk.fetch_one(record), StoredFile)


@pytest.mark.parametrize(
    ("status", "reason", "again"),
    [
        (404, Reason.GONE, False),
        (410, Reason.GONE, False),
        (451, Reason.GONE, False),
        (403, Reason.GONE, False),
    ],
)
def test_a_file_that_is_not_there_is_gone(desk: Desk, status: int, reason: Reason, again: bool) -> None:
    with FaultServer(plan=always(Refuse(status))) as server:
        missed = desk.fetch_one(wanted(server, "/a.jpg", photo(1)))
    assert missed == Missed(reason=reason, detail=f"HTTP {status}", again=again)
    assert len(server.asked) == 1


def test_a_host_that_withholds_one_file_among_others_has_lost_it(desk: Desk) -> None:
    files = {f"/{number}.jpg": photo(number, 5000) for number in range(8)}
    with FaultServer(files, plan=for_path("/3.jpg", always(Refuse(403)))) as server:
        outcomes = desk.fetch(*(wanted(server, path, data, int(path[1])) for path, data in files.items()))
    assert outcomes["commons:M3"] == Missed(reason=Reason.GONE, detail="HTTP 403", again=False)
    assert sum(isinstance(outcome, StoredFile) for outcome in outcomes.values()) == 7


def test_a_host_that_withholds_everything_is_asked_again_another_time(desk: Desk) -> None:
    with FaultServer(plan=always(Refuse(403))) as server:
        outcomes = desk.fetch(*(wanted(server, f"/{n}.jpg", photo(n, 99), n) for n in range(40)))
    assert {(missed.reason, missed.again) for missed in outcomes.values() if isinstance(missed, Missed)} == {
        (Reason.BUSY, True)
    }
    assert len(server.asked) < 20


def test_a_host_that_is_down_is_left_alone_after_a_few_files(desk: Desk) -> None:
    with FaultServer(plan=always(Refuse(500))) as server:
        session = quick_session(tries=2)
        outcomes = desk.fetch(
            *(wanted(server, f"/{n}.jpg", photo(n, 99), n) for n in range(50)), session=session
        )
    assert all(isinstance(missed, Missed) and missed.again for missed in outcomes.values())
    assert len(server.asked) < 40


def test_a_host_that_nobody_answers_at_is_busy(desk: Desk) -> None:
    with FaultServer() as server:
        record = wanted(server, "/a.jpg", photo(1))
    missed = desk.fetch_one(record)
    assert isinstance(missed, Missed)
    assert (missed.reason, missed.again) == (Reason.BUSY, True)
    assert "refused" in missed.detail


def test_a_web_page_never_becomes_a_file(desk: Desk) -> None:
    with FaultServer(plan=always(Page())) as server:
        missed = desk.fetch_one(wanted(server, "/a.jpg", photo(1), **BARE))
    assert isinstance(missed, Missed)
    assert (missed.reason, missed.again) == (Reason.BUSY, True)
    assert "text/html" in missed.detail


def test_a_web_page_under_an_image_type_never_becomes_a_file(desk: Desk) -> None:
    with FaultServer(plan=always(Page(HTML, "image/jpeg"))) as server:
        missed = desk.fetch_one(wanted(server, "/a.jpg", photo(1), **BARE))
    assert isinstance(missed, Missed)
    assert (missed.reason, missed.again) == (Reason.DAMAGED, False)
    assert "begin" in missed.detail


def test_wrong_bytes_that_come_twice_are_what_the_host_has(desk: Desk) -> None:
    with FaultServer({"/a.jpg": photo(2)}) as server:
        missed = desk.fetch_one(wanted(server, "/a.jpg", photo(1)))
    assert isinstance(missed, Missed)
    assert (missed.reason, missed.again) == (Reason.DAMAGED, False)
    assert len(server.asked) == 2


@pytest.mark.parametrize("size", [150_000, 200_000, 250_000])
def test_another_file_than_the_manifest_has_is_said_to_have_changed(desk: Desk, size: int) -> None:
    with FaultServer({"/a.jpg": photo(2, size)}) as server:
        missed = desk.fetch_one(locked(wanted(server, "/a.jpg", photo(1)), photo(1)))
    assert isinstance(missed, Missed)
    assert (missed.reason, missed.again) == (Reason.CHANGED, False)
    assert len(server.asked) == 2


def test_bytes_that_are_wrong_in_another_way_each_time_are_worth_another_run(desk: Desk) -> None:
    data = photo(1)
    with FaultServer({"/a.jpg": data}, plan=scripted(*(Flip(n / 10) for n in range(1, 9)))) as server:
        missed = desk.fetch_one(wanted(server, "/a.jpg", data))
    assert isinstance(missed, Missed)
    assert (missed.reason, missed.again) == (Reason.DAMAGED, True)


def test_a_locked_file_that_is_here_is_not_asked_for(desk: Desk) -> None:
    data = photo(1)
    desk.store.add(data)
    with FaultServer() as server:
        record = locked(wanted(server, "/a.jpg", data), data)
        assert desk.fetch_one(record) == record.file
        assert server.asked == []


@pytest.mark.parametrize(
    ("found", "stated", "reason"),
    [
        ("PNG", "image/jpeg", Reason.DAMAGED),
        ("PNG", "image/png", None),
        ("PNG", None, None),
        ("GIF", "image/gif", None),
        ("TIFF", "image/tiff", None),
        ("TIFF", "image/tif", None),
        ("WEBP", "image/webp", None),
        ("BMP", "image/x-ms-bmp", None),
        ("JPEG", "image/jpg; q=1", None),
        ("WEBP", "image/jpeg", Reason.DAMAGED),
    ],
)
def test_the_first_bytes_agree_with_the_stated_type(
    desk: Desk, found: str, stated: str | None, reason: Reason | None
) -> None:
    data = encoded(a_nebula(1), found)
    with FaultServer({"/a": data}) as server:
        outcome = desk.fetch_one(wanted(server, "/a", data, sha1=None, mime=stated))
    assert (outcome.reason if isinstance(outcome, Missed) else None) == reason


def test_a_type_the_source_misnamed_is_corrected_where_a_hash_proves_the_bytes(desk: Desk) -> None:
    data = encoded(a_nebula(1), "PNG")
    with FaultServer({"/a.jpg": data}) as server:
        outcome = desk.fetch_one(wanted(server, "/a.jpg", data))
    assert isinstance(outcome, StoredFile)
    assert outcome.mime == "image/png"


def test_a_file_that_nobody_announced_may_not_be_endless(desk: Desk) -> None:
    data = photo(1)
    with FaultServer({"/a.jpg": data}) as server:
        missed = desk.fetch_one(wanted(server, "/a.jpg", data, **BARE), max_bytes=150_000)
    assert missed == Missed(reason=Reason.TOO_LARGE, detail="more than 150000 bytes", again=False)


@pytest.mark.parametrize("headers", [{"X-Robots-Tag": "noai, noimageai"}, {"TDM-Reservation": "1"}], ids=str)
def test_a_host_that_opts_out_is_obeyed(desk: Desk, headers: Mapping[str, str]) -> None:
    data = photo(1)
    with FaultServer({"/a.jpg": data}, headers={"/a.jpg": headers}) as server:
        missed = desk.fetch_one(wanted(server, "/a.jpg", data))
    assert isinstance(missed, Missed)
    assert (missed.reason, missed.again) == (Reason.OPTED_OUT, False)
    assert desk.left() == []


def test_an_opt_out_that_comes_after_a_cut_is_obeyed_too(desk: Desk) -> None:
    data = photo(1)
    server = FaultServer({"/a.jpg": data})

    def plan(asked: Any) -> Fault | None:
        server.headers["/a.jpg"] = {"X-Robots-Tag": "noai"} if asked.number else {}
        return None if asked.number else Cut(0.5)

    server.plan = plan
    with server:
        missed = desk.fetch_one(wanted(server, "/a.jpg", data))
    assert isinstance(missed, Missed)
    assert missed.reason is Reason.OPTED_OUT
    assert desk.left() == []


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1/a.jpg", "not an address", "http://[broken/a.jpg", "//a/b.jpg"]
)
def test_an_address_that_leads_nowhere_is_gone(desk: Desk, url: str) -> None:
    record = a_record(original={"url": url}, file=None)
    missed = desk.fetch_one(record, session=polite_session("ada@example.org", sleep=no_sleep))
    assert isinstance(missed, Missed)
    assert (missed.reason, missed.again) == (Reason.GONE, False)


@pytest.mark.parametrize("target", ["file:///etc/hostname", "ftp://127.0.0.1/a.jpg"])
def test_a_redirect_out_of_the_web_is_not_followed(desk: Desk, target: str) -> None:
    with FaultServer(plan=always(Refuse(302, headers={"Location": target}))) as server:
        missed = desk.fetch_one(wanted(server, "/a.jpg", photo(1)))
    assert isinstance(missed, Missed)
    assert (missed.reason, missed.again) == (Reason.GONE, False)
    assert target in missed.detail


def test_a_redirect_loop_ends(desk: Desk) -> None:
    with FaultServer(plan=always(Refuse(302, headers={"Location": "/b.jpg"}))) as server:
        missed = desk.fetch_one(wanted(server, "/a.jpg", photo(1)))
    assert isinstance(missed, Missed)
    assert missed.reason is Reason.GONE


def test_an_ordinary_redirect_is_followed(desk: Desk) -> None:
    data = photo(1)
    plan = for_path("/old.jpg", always(Refuse(301, headers={"Location": "/a.jpg"})))
    with FaultServer({"/a.jpg": data}, plan=plan) as server:
        assert isinstance(desk.fetch_one(wanted(server, "/old.jpg", data)), StoredFile)


def test_without_a_contact_no_other_host_is_asked(desk: Desk) -> None:
    record = a_record(original={"url": "https://images.example.org/a.jpg"}, file=None)
    with pytest.raises(NoContact) as caught:
        desk.fetch_one(record)
    assert caught.value.host == "images.example.org"


def test_a_full_disk_is_said_and_leaves_everything_whole(desk: Desk) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full, a disk that is always full")
    data = photo(1)
    with FaultServer({"/a.jpg": data, "/b.jpg": photo(2)}) as server:
        good, bad = wanted(server, "/b.jpg", photo(2), 2), wanted(server, "/a.jpg", data)
        assert isinstance(desk.fetch_one(good), StoredFile)
        name = hashlib.sha256(bad.original.url.encode()).hexdigest()
        (desk.parts / f"{name}.part").symlink_to("/dev/full")
        with pytest.raises(DiskFull) as caught:
            desk.fetch_one(bad)
    assert caught.value.path == desk.parts
    desk.check()
    assert len([path for path in desk.store.root.rglob("*") if path.is_file()]) == 1


def test_a_host_never_sees_more_requests_at_once_than_its_pace_allows(desk: Desk) -> None:
    files = {f"/{number}.jpg": photo(number, 3000) for number in range(30)}
    paces = {"127.0.0.1": Pace(in_flight=3)}
    with FaultServer(files, latency=0.01) as server:
        session = quick_session(paces)
        records = [wanted(server, path, data, n) for n, (path, data) in enumerate(files.items())]
        desk.fetch(*records, session=session, paces=paces)
    assert server.most_at_once == 3


def test_a_host_that_pauses_holds_nobody_else_up(desk: Desk) -> None:
    waiting, clock = threading.Event(), Clock()

    def pause(seconds: float) -> None:
        if seconds > 1:
            waiting.wait(20)
        clock.sleep(seconds)

    data = photo(1, 3000)
    files = {f"/{number}.jpg": photo(number, 3000) for number in range(20)}
    with FaultServer({"/s.jpg": data}, plan=scripted(too_many("90"))) as slow, FaultServer(files) as quick:
        records = [wanted(slow, "/s.jpg", data, 99)]
        records += [wanted(quick, path, data, n) for n, (path, data) in enumerate(files.items())]
        session = polite_session(None, sleep=pause, clock=clock.now)
        run = fetch_all(records, session, desk.store, desk.parts, sleep=pause)
        came = [next(run)[0].uid for _ in range(20)]
        assert "commons:M99" not in came
        waiting.set()
        assert [record.uid for record, _ in run] == ["commons:M99"]


def test_records_with_one_address_are_fetched_once(desk: Desk) -> None:
    data = photo(1)
    with FaultServer({"/a.jpg": data}) as server:
        outcomes = desk.fetch(*(wanted(server, "/a.jpg", data, number) for number in range(5)))
        assert len(server.asked) == 1
    assert all(isinstance(outcome, StoredFile) for outcome in outcomes.values())


def test_one_address_with_two_descriptions_is_held_against_both(desk: Desk) -> None:
    data = photo(1)
    with FaultServer({"/a.jpg": data}) as server:
        outcomes = desk.fetch(wanted(server, "/a.jpg", data, 1), wanted(server, "/a.jpg", photo(2), 2))
    assert isinstance(outcomes["commons:M1"], StoredFile)
    assert isinstance(outcomes["commons:M2"], Missed)


def test_closing_the_generator_stops_soon_even_when_a_host_says_nothing(desk: Desk) -> None:
    files = {f"/{number}.jpg": photo(number, 3000) for number in range(9)}
    with FaultServer(files, plan=for_path("/8.jpg", always(Stall(30, 0.5)))) as server:
        records = [wanted(server, path, data, n) for n, (path, data) in enumerate(files.items())]
        run = fetch_all(records, polite_session(None), desk.store, desk.parts)
        for _ in range(8):
            next(run)
        began = time.monotonic()
        run.close()
        assert time.monotonic() - began < 2
        assert desk.left() == [".part"]
    desk.check()


def test_closing_the_generator_wakes_threads_that_wait_for_a_host(desk: Desk) -> None:
    data = photo(1, 3000)
    with FaultServer({"/a.jpg": data}, plan=for_path("/b.jpg", always(too_many("200")))) as server:
        records = [wanted(server, "/a.jpg", data, 1), *(wanted(server, "/b.jpg", data, n) for n in (2, 3))]
        run = fetch_all(records, polite_session(None), desk.store, desk.parts)
        next(run)
        before = threading.active_count()
        began = time.monotonic()
        run.close()
        assert time.monotonic() - began < 0.9
        assert threading.active_count() < before


def test_a_stalled_body_is_cut_and_resumed(desk: Desk) -> None:
    data = photo(1)
    with FaultServer({"/a.jpg": data}, plan=scripted(Stall(5, 0.5))) as server:
        session = quick_session(timeout=(1, 0.1))
        assert isinstance(desk.fetch_one(wanted(server, "/a.jpg", data), session=session), StoredFile)
    assert ranges(server)[1] == "bytes=100000-"


def test_an_error_in_a_thread_is_raised_where_the_outcomes_are_read(desk: Desk) -> None:
    class Broken(requests.Session):
        def get(self, url: Any, **options: Any) -> requests.Response:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        desk.fetch_one(a_record(file=None), session=Broken())


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**6), share=st.sampled_from([0.2, 0.5, 0.8]))
def test_under_any_weather_the_files_are_the_same(
    tmp_path_factory: pytest.TempPathFactory, seed: int, share: float
) -> None:
    desk = Desk(tmp_path_factory.mktemp("weather"))
    files = {f"/{number}.jpg": photo(number, 20_000) for number in range(6)}
    with FaultServer(files, plan=seeded(seed, share, ALL_FAULTS)) as server:
        outcomes = desk.fetch(
            *(wanted(server, path, data, number) for number, (path, data) in enumerate(files.items()))
        )
    for number, data in enumerate(files.values()):
        outcome = outcomes[f"commons:M{number}"]
        assert isinstance(outcome, StoredFile), outcome
        assert outcome.sha256 == hashlib.sha256(data).hexdigest()


LOADER = """
import sys
from pathlib import Path
from collectors.web.download import fetch_all
from collectors.web.polite import polite_session
from collectors.record import Record
from collectors.storage.stores import Store
root = Path(sys.argv[1])
records = [Record.model_validate_json(line) for line in (root / "records.jsonl").read_text().splitlines()]
for record, outcome in fetch_all(records, polite_session(None), Store(root / "originals"), root / "parts"):
    print(record.uid, flush=True)
"""


def loader(root: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", LOADER, str(root)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_download_goes_on_where_it_stood(desk: Desk, how: signal.Signals) -> None:
    files = {f"/{number}.jpg": photo(number, 400_000) for number in range(6)}
    with FaultServer(files, plan=for_path("/5.jpg", scripted(Stall(30, 0.5)))) as server:
        records = [wanted(server, path, data, n) for n, (path, data) in enumerate(files.items())]
        (desk.root / "records.jsonl").write_text("".join(f"{one.model_dump_json()}\n" for one in records))
        first = loader(desk.root)
        assert first.stdout
        told = [first.stdout.readline() for _ in range(5)]
        began = time.monotonic()
        first.send_signal(how)
        first.wait(10)
        first.stdout.close()
        assert time.monotonic() - began < 3
        assert len(set(told)) == 5
        desk.check()
        assert desk.left() == [".part"]
        asked = len(server.asked)
        outcomes = desk.fetch(*(record for record in records if record.uid == "commons:M5"))
        assert isinstance(outcomes["commons:M5"], StoredFile)
        assert ranges(server)[asked:] == ["bytes=200000-"]


def test_a_file_of_this_disk_is_verified_and_copied(desk: Desk) -> None:
    data = photo(1)
    path = desk.root / "a.jpg"
    path.write_bytes(data)
    record = a_record(
        original={"url": "a.jpg", "sha1": hashlib.sha1(data).hexdigest(), "bytes": len(data)}, file=None
    )
    outcome = copy_local(path, record, desk.store)
    assert isinstance(outcome, StoredFile)
    assert desk.store.read(outcome.sha256) == data == path.read_bytes()


@pytest.mark.parametrize(
    ("content", "reason"),
    [(photo(2), Reason.DAMAGED), (photo(1)[:-1], Reason.DAMAGED), (b"", Reason.DAMAGED), (None, Reason.GONE)],
    ids=["other", "short", "empty", "missing"],
)
def test_a_file_of_this_disk_that_is_not_right_is_not_taken(
    desk: Desk, content: bytes | None, reason: Reason
) -> None:
    data = photo(1)
    path = desk.root / "a.jpg"
    if content is not None:
        path.write_bytes(content)
    record = a_record(
        original={"url": "a.jpg", "sha1": hashlib.sha1(data).hexdigest(), "bytes": len(data)}, file=None
    )
    missed = copy_local(path, record, desk.store)
    assert isinstance(missed, Missed)
    assert (missed.reason, missed.again) == (reason, False)
    assert not list(desk.store.root.rglob("*"))


def test_a_local_file_that_is_not_the_locked_one_has_changed(desk: Desk) -> None:
    path = desk.root / "a.jpg"
    path.write_bytes(photo(2))
    missed = copy_local(path, locked(a_record(file=None), photo(1)), desk.store)
    assert isinstance(missed, Missed)
    assert missed.reason is Reason.CHANGED
