"""Politeness: who we are, how fast we ask, and what we do when a host says no."""

import threading
import time
from collections.abc import Mapping
from email.utils import formatdate
from typing import Any

import mwclient
import pytest
import requests
from clockwork import Clock
from faulty import Cut, FaultServer, MaxLag, Page, Refuse, Stall, always, for_path, scripted, too_many
from hypothesis import given
from hypothesis import strategies as st

from collectors.web import redirects
from collectors.web.gate import Gate, Limiter
from collectors.web.polite import (
    PACES,
    HostBusy,
    NoContact,
    Pace,
    RedirectRefused,
    Stopped,
    allowed_by_robots,
    backoff,
    opt_out,
    pace_for,
    polite_session,
    rest,
    retry_after,
    stopped_by,
    valid_contact,
)

ANSWER = {"/a.json": b'{"batchcomplete": true}', "/w/api.php": b'{"batchcomplete": true, "query": {}}'}


class Notes:
    """Progress that keeps its notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def stage(self, name: str, total: int | None = None) -> Any:
        raise NotImplementedError

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def a_session(
    clock: Clock, contact: str | None = None, pace: Pace | None = None, **options: Any
) -> requests.Session:
    paces = {"127.0.0.1": pace} if pace else {}
    options.setdefault("dice", lambda: 1.0)
    return polite_session(contact, paces, sleep=clock.sleep, clock=clock.now, now=clock.now, **options)


@pytest.mark.parametrize(
    "contact",
    [
        "ada@example.org",
        "ada.lane+nebula@mail.example.co.uk",
        "https://example.org/ada",
        "http://example.org",
    ],
)
def test_an_address_by_which_somebody_can_be_reached_is_a_contact(contact: str) -> None:
    assert valid_contact(contact)


@pytest.mark.parametrize(
    "contact",
    [None, "", "ada", "ada@", "@example.org", "ada@example", "https://", "https://localhost/", "ftp://example.org",
     "ada@example.org\r\nX: y", "https://c.org/a b", "adä@example.org", "https://[x", "a b@c.org"],
)  # fmt: skip
def test_anything_else_is_no_contact(contact: str | None) -> None:
    assert not valid_contact(contact)


@given(st.text())
def test_no_contact_can_break_a_header(contact: str) -> None:
    assert not valid_contact(contact) or not set("\r\n\0") & set(contact)


@pytest.mark.parametrize("contact", [None, "nobody"])
def test_without_a_contact_no_connection_is_made(contact: str | None, clock: Clock) -> None:
    with pytest.raises(NoContact) as caught:
        a_session(clock, contact).get("https://commons.wikimedia.org/w/api.php")
    assert caught.value.host == "commons.wikimedia.org"


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1.example.org/", "http://2130706433/", "http://0.0.0.0/", "http://localhost.example/"],
)
def test_a_host_that_only_looks_like_this_machine_needs_a_contact(url: str, clock: Clock) -> None:
    with pytest.raises(NoContact):
        a_session(clock).get(url)


def test_the_user_agent_names_tool_operator_and_library(clock: Clock) -> None:
    with FaultServer(ANSWER) as server:
        a_session(clock, "ada@example.org").get(f"{server.base}/a.json")
    agent = server.asked[0].headers["User-Agent"]
    assert agent.startswith("universe-gan/")
    assert " (ada@example.org) " in agent
    assert agent.endswith(f"requests/{requests.__version__}")


@pytest.mark.parametrize(
    ("after", "seconds"), [("7", 7.0), ("2.5", 2.5), ("date:30", 30.0)], ids=["whole", "float", "date"]
)
def test_a_host_gets_the_pause_it_asks_for(after: str, seconds: float) -> None:
    clock, notes = Clock(time.time()), Notes()
    with FaultServer(ANSWER, plan=scripted(too_many(after))) as server:
        answer = a_session(clock, progress=notes).get(f"{server.base}/a.json")
    assert answer.json() == {"batchcomplete": True}
    assert sum(clock.slept) == pytest.approx(seconds, abs=1.1)
    assert len(notes.notes) == 1
    assert "429" in notes.notes[0]


def test_a_pause_holds_for_everybody_who_asks_this_host(clock: Clock) -> None:
    with FaultServer(ANSWER, plan=for_path("/b.json", always(too_many("120")))) as server:
        session = a_session(clock, tries=1)
        with pytest.raises(HostBusy):
            session.get(f"{server.base}/b.json")
        before = clock.now()
        session.get(f"{server.base}/a.json")
    assert clock.now() - before >= 110


def test_a_pause_of_one_host_is_nothing_to_another(clock: Clock) -> None:
    with FaultServer(ANSWER, plan=always(too_many("120"))) as busy, FaultServer(ANSWER) as free:
        session = a_session(clock, tries=1)
        with pytest.raises(HostBusy):
            session.get(f"{busy.base}/a.json")
        before = clock.now()
        session.get(f"{free.base}/a.json")
    assert clock.now() == before


def test_a_host_that_wants_hours_is_reported_not_asked_earlier(clock: Clock) -> None:
    with FaultServer(ANSWER, plan=always(too_many("7200"))) as server:
        with pytest.raises(HostBusy) as caught:
            a_session(clock).get(f"{server.base}/a.json")
        assert len(server.asked) == 1
    assert caught.value.seconds == pytest.approx(7200)
    assert sum(clock.slept) == 0


@pytest.mark.parametrize("fault", [Refuse(500), Refuse(503), Refuse(502), Cut(0.5), Cut(0.0)], ids=str)
def test_what_passes_is_asked_again_until_the_tries_are_used_up(fault: Any, clock: Clock) -> None:
    with FaultServer(ANSWER, plan=always(fault)) as server:
        with pytest.raises(HostBusy) as caught:
            a_session(clock, tries=4).get(f"{server.base}/a.json")
        assert len(server.asked) == 4
    assert caught.value.host in server.base
    assert clock.slept == pytest.approx([1, 2, 4])


@pytest.mark.parametrize("fault", [Refuse(500), Cut(0.5), Stall(3, 0.5), too_many("nonsense")], ids=str)
def test_one_such_fault_is_not_even_noticed(fault: Any, clock: Clock) -> None:
    with FaultServer(ANSWER, plan=scripted(fault)) as server:
        answer = a_session(clock, timeout=(1, 0.15)).get(f"{server.base}/a.json")
    assert answer.content == ANSWER["/a.json"]


@pytest.mark.parametrize("status", [400, 403, 404, 501])
def test_a_plain_no_is_handed_on_at_once(status: int, clock: Clock) -> None:
    with FaultServer(ANSWER, plan=always(Refuse(status))) as server:
        assert a_session(clock).get(f"{server.base}/a.json").status_code == status
        assert len(server.asked) == 1


def test_what_may_not_be_repeated_is_sent_once(clock: Clock) -> None:
    with FaultServer(ANSWER, plan=always(Refuse(500))) as server:
        assert a_session(clock).post(f"{server.base}/a.json").status_code == 500
        assert len(server.asked) == 1


def test_a_host_where_nobody_answers_is_busy_in_plain_words(clock: Clock) -> None:
    with FaultServer() as server:
        base = server.base
    with pytest.raises(HostBusy) as caught:
        a_session(clock, tries=2).get(base)
    assert "refused" in caught.value.detail
    assert "object at 0x" not in caught.value.detail


@pytest.mark.parametrize("header", [True, False])
def test_a_wiki_whose_database_is_behind_gets_its_pause(header: bool, clock: Clock) -> None:
    with FaultServer(ANSWER, plan=scripted(MaxLag("5.5", header), MaxLag("3", header))) as server:
        answer = a_session(clock).get(f"{server.base}/w/api.php", params={"maxlag": "5"})
        assert len(server.asked) == 3
    assert "query" in answer.json()
    assert sum(clock.slept) == pytest.approx(8.5)


def test_mwclient_obeys_because_it_uses_our_session(clock: Clock) -> None:
    plan = scripted(too_many("4"), MaxLag("3"), Cut(0.5))
    with FaultServer(ANSWER, plan=plan) as server:
        site = mwclient.Site(
            server.base[7:], scheme="http", pool=a_session(clock), do_init=False, max_retries=0
        )
        answer = site.raw_api("query", "GET", retry_on_error=False, maxlag=5)
        assert len(server.asked) == 4
        assert all(one.headers["User-Agent"].startswith("universe-gan/") for one in server.asked)
    assert answer["query"] == {}
    assert sum(clock.slept) >= 7


def test_requests_are_spaced_by_the_pace(clock: Clock) -> None:
    with FaultServer(ANSWER) as server:
        session = a_session(clock, pace=Pace(per_second=2))
        began = clock.now()
        for _ in range(5):
            session.get(f"{server.base}/a.json")
    assert clock.now() - began == pytest.approx(2.0)


def test_bodies_flow_no_faster_than_the_host_allows_all_connections_together(clock: Clock) -> None:
    with FaultServer({"/a.bin": bytes(500_000)}) as server:
        session = a_session(clock, pace=Pace(in_flight=2, bits_per_second=8_000_000))
        began = clock.now()
        threads = [threading.Thread(target=session.get, args=(f"{server.base}/a.bin",)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert clock.now() - began >= 0.999


def test_a_streamed_body_keeps_its_place_until_it_is_closed(clock: Clock) -> None:
    with FaultServer(ANSWER) as server:
        session = a_session(clock, pace=Pace(in_flight=1))
        first = session.get(f"{server.base}/a.json", stream=True)
        second = threading.Thread(target=session.get, args=(f"{server.base}/a.json",))
        second.start()
        second.join(0.1)
        assert second.is_alive()
        assert len(server.asked) == 1
        first.close()
        second.join(5)
        assert len(server.asked) == 2


def test_an_adaptive_host_is_asked_half_as_often_after_429_and_wins_it_back_slowly(clock: Clock) -> None:
    pace = Pace(per_second=1, adaptive=True)
    gate = Gate("host", pace, Limiter(pace, clock=clock.now), sleep=clock.sleep)

    def interval() -> float:
        gate.leave(gate.enter())
        began = clock.now()
        gate.leave(gate.enter())
        return clock.now() - began

    assert interval() == pytest.approx(1)
    gate.slower()
    assert interval() == pytest.approx(2)
    for _ in range(10):
        gate.slower()
    assert interval() == pytest.approx(16)
    for _ in range(100):
        gate.faster()
    assert interval() == pytest.approx(1)


def test_the_public_table_wins_over_a_recipe() -> None:
    fast = Pace(in_flight=50)
    assert (
        pace_for("commons.wikimedia.org", {"commons.wikimedia.org": fast}) == PACES["commons.wikimedia.org"]
    )
    assert pace_for("commons.wikimedia.org:443", {}) == PACES["commons.wikimedia.org"]
    assert pace_for("wiki.example.org:8080", {"wiki.example.org": fast}) == fast
    assert pace_for("wiki.example.org", {}).per_second is not None
    assert pace_for("[::1]:8080", {}) == pace_for("localhost", {}) == pace_for("127.8.0.1:99", {})


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        ("0.75", 0.75),
        ("-3", 0.0),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        (formatdate(1060, usegmt=True), 60.0),
        (formatdate(900, usegmt=True), 0.0),
    ],
)
def test_retry_after_is_read_in_all_its_forms(value: str, seconds: float | None) -> None:
    assert retry_after({"Retry-After": value}, lambda: 1000.0) == seconds


def test_a_date_is_counted_from_the_hosts_own_clock() -> None:
    headers = {"Retry-After": formatdate(5060, usegmt=True), "Date": formatdate(5000, usegmt=True)}
    assert retry_after(headers, lambda: 1000.0) == 60.0


@given(st.text())
def test_no_retry_after_breaks_us(value: str) -> None:
    seconds = retry_after({"Retry-After": value}, lambda: 0.0)
    assert seconds is None or seconds >= 0


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_backoff_is_random_up_to_a_bound_that_doubles(failures: int, chance: float) -> None:
    assert 0 <= backoff(failures, lambda: chance) <= min(60.0, 2.0 ** min(failures - 1, 10))


@pytest.mark.parametrize("target", ["file:///etc/hostname", "ftp://example.org/", "javascript:alert(1)"])
def test_a_redirect_to_another_scheme_is_refused(target: str, clock: Clock) -> None:
    plan = always(Refuse(302, headers={"Location": target}))
    with FaultServer(plan=plan) as server, pytest.raises(RedirectRefused) as caught:
        a_session(clock).get(f"{server.base}/a")
    assert caught.value.target == target


@pytest.mark.parametrize(
    ("url", "target", "refused"),
    [
        ("https://8.8.8.8/a", "http://127.0.0.1/", True),
        ("https://8.8.8.8/a", "http://169.254.169.254/latest/meta-data", True),
        ("https://8.8.8.8/a", "http://10.0.0.1/", True),
        ("https://8.8.8.8/a", "http://[::1]/", True),
        ("https://8.8.8.8/a", "http://[::ffff:127.0.0.1]/", True),
        ("https://8.8.8.8/a", "http://2130706433/", True),
        ("https://8.8.8.8/a", "http://localhost:8080/", True),
        ("https://8.8.8.8/a", "http://printer.local/", True),
        ("https://8.8.8.8/a", "https://1.1.1.1/", False),
        ("https://8.8.8.8/a", "/b", False),
        ("http://127.0.0.1/a", "http://10.0.0.1/", False),
        ("http://10.0.0.1/a", "http://127.0.0.1/b", False),
    ],
)
def test_a_public_host_cannot_send_us_into_a_private_network(url: str, target: str, refused: bool) -> None:
    response = requests.Response()
    response.status_code, response.url, response.headers["Location"] = 302, url, target
    response.raw = type("Raw", (), {"close": lambda self: None, "release_conn": lambda self: None})()
    if refused:
        with pytest.raises(RedirectRefused):
            redirects.check_redirect(response)
    else:
        redirects.check_redirect(response)


def test_a_wait_in_a_thread_ends_when_it_is_told_to_stop() -> None:
    stop, ended = threading.Event(), threading.Event()

    def wait() -> None:
        with stopped_by(stop), pytest.raises(Stopped):
            rest(60)
        ended.set()

    threading.Thread(target=wait, daemon=True).start()
    stop.set()
    assert ended.wait(2)


class Several(dict[str, str]):
    """Headers as urllib3 has them: some names more than once."""

    def __init__(self, *tags: str) -> None:
        super().__init__({"X-Robots-Tag": ", ".join(tags)})
        self._tags = list(tags)

    def getlist(self, name: str) -> list[str]:
        assert name == "X-Robots-Tag"
        return self._tags


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({}, None),
        ({"X-Robots-Tag": "noai"}, "X-Robots-Tag: noai"),
        ({"x-robots-tag": "nofollow, NoImageAI"}, "X-Robots-Tag: noimageai"),
        ({"X-Robots-Tag": "noml"}, "X-Robots-Tag: noml"),
        ({"X-Robots-Tag": "noindex"}, "X-Robots-Tag: noindex"),
        ({"X-Robots-Tag": "noimageindex"}, "X-Robots-Tag: noimageindex"),
        ({"X-Robots-Tag": "none"}, "X-Robots-Tag: none"),
        ({"X-Robots-Tag": "nofollow, noarchive"}, None),
        ({"X-Robots-Tag": "all"}, None),
        ({"X-Robots-Tag": "universe-gan: noai"}, "X-Robots-Tag: noai"),
        ({"X-Robots-Tag": "*: noai"}, "X-Robots-Tag: noai"),
        ({"X-Robots-Tag": "googlebot: noindex"}, None),
        ({"X-Robots-Tag": "unavailable_after: 25 Jun 2030 15:00:00 PST, noai"}, "X-Robots-Tag: noai"),
        ({"X-Robots-Tag": "max-image-preview: none"}, None),
        ({"X-Robots-Tag": "googlebot: noindex, noai"}, "X-Robots-Tag: noai"),
        (Several("googlebot: noindex, noai"), None),
        (Several("googlebot: noindex", "noai"), "X-Robots-Tag: noai"),
        (Several("googlebot: noindex, universe-gan: noai"), "X-Robots-Tag: noai"),
        ({"tdm-reservation": "1"}, "tdm-reservation: 1"),
        ({"TDM-Reservation": " 1 "}, "tdm-reservation: 1"),
        ({"tdm-reservation": "0"}, None),
    ],
    ids=str,
)
def test_opt_outs_are_read_as_they_are_meant(headers: Mapping[str, str], said: str | None) -> None:
    assert opt_out(headers) == said


def test_robots_are_asked_once_and_obeyed(clock: Clock) -> None:
    rules = b"User-agent: *\nDisallow: /private/\n\nUser-agent: universe-gan\nDisallow: /no/\n"
    with FaultServer({"/robots.txt": rules}) as server:
        session = a_session(clock)
        assert allowed_by_robots(session, f"{server.base}/art/1")
        assert not allowed_by_robots(session, f"{server.base}/no/1")
        assert server.paths() == ["/robots.txt"]


def test_a_host_without_robots_allows_and_one_that_cannot_tell_does_not(clock: Clock) -> None:
    with FaultServer() as none, FaultServer(plan=always(Refuse(500))) as broken:
        assert allowed_by_robots(a_session(clock), f"{none.base}/art/1")
        with pytest.raises(HostBusy):
            allowed_by_robots(a_session(clock, tries=2), f"{broken.base}/art/1")


def test_the_fault_server_passes_everything_through_as_a_proxy(clock: Clock) -> None:
    with FaultServer(ANSWER) as back:
        answer = {"/x.json": f'{{"url": "{back.base}/a.json"}}'.encode()}
        back.files |= answer
        with FaultServer(upstream=back.base) as plain:
            assert requests.get(f"{plain.base}/x.json?q=a%20b").content == answer["/x.json"]
            assert back.asked[-1].path == "/x.json?q=a%20b"
            assert back.asked[-1].headers["Host"] == plain.base[7:]
        with FaultServer(upstream=back.base, plan=scripted(Page())) as proxy:
            proxy.rewrite = (back.base, proxy.base)
            assert "html" in requests.get(f"{proxy.base}/x.json").headers["Content-Type"]
            assert requests.get(f"{proxy.base}/x.json").json() == {"url": f"{proxy.base}/a.json"}
