"""Opt-outs in pages, and hosts whose gatekeeper turns us away."""

import pytest
from clockwork import Clock
from faulty import FaultServer, Refuse, always, scripted
from hypothesis import given
from hypothesis import strategies as st

from collectors.web.optout import meta_opt_out, opt_out
from collectors.web.polite import HostBusy, polite_session

BLOCKED = Refuse(
    403,
    body=b"<HTML><HEAD><TITLE>ERROR: The request could not be satisfied</TITLE></HEAD><BODY>"
    b"<H1>403 ERROR</H1>Request blocked. We can't connect to the server for this app.</BODY></HTML>",
)


@pytest.mark.parametrize(
    ("metas", "said"),
    [
        ([], None),
        ([("robots", "max-image-preview:large,max-image-preview:large,noimageai")], "meta robots: noimageai"),
        ([("Robots", "NoAI")], "meta robots: noai"),
        ([("robots", "noindex")], "meta robots: noindex"),
        ([("robots", "none")], "meta robots: none"),
        ([("robots", "noai; noimageai")], "meta robots: noai"),
        ([("robots", "index, follow")], None),
        ([("robots", "max-image-preview:none")], None),
        ([("googlebot", "noindex")], None),
        ([("universe-gan", "noml")], "meta universe-gan: noml"),
        ([("description", "noai")], None),
        ([("googlebot", "noai"), ("robots", "all"), ("robots", "noai")], "meta robots: noai"),
        ([("tdm-reservation", "1")], "meta tdm-reservation: 1"),
        ([("tdm-reservation", "0")], None),
        ([("tdm-policy", "1")], None),
    ],
    ids=str,
)
def test_a_page_opts_out_in_its_meta_elements(metas: list[tuple[str, str]], said: str | None) -> None:
    assert meta_opt_out(metas) == said


@pytest.mark.parametrize("value", ["noai;noimageai", "index; noai", " ,, noai", "otherbot: index, *: noai"])
def test_an_opt_out_is_seen_however_the_rules_are_joined(value: str) -> None:
    assert opt_out({"X-Robots-Tag": value}) == "X-Robots-Tag: noai"


@given(st.text(), st.sampled_from(["noai", "noimageai", "noml", "noindex", "noimageindex", "none"]))
def test_no_rule_before_it_hides_a_rule_that_speaks_to_us(before: str, rule: str) -> None:
    assert meta_opt_out([("robots", f"{before}, universe-gan: {rule}")]) is not None


def test_a_host_that_blocks_us_gets_a_rest_of_five_minutes_and_is_asked_once_more() -> None:
    clock = Clock()
    with FaultServer({"/art": b"{}"}, plan=scripted(BLOCKED)) as server:
        session = polite_session(None, {}, sleep=clock.sleep, clock=clock.now, now=clock.now)
        assert session.get(f"{server.base}/art").status_code == 200
        assert clock.slept == [300.0]


def test_a_host_that_goes_on_blocking_us_is_left_alone() -> None:
    clock = Clock()
    with FaultServer({"/art": b"{}"}, plan=always(BLOCKED)) as server:
        session = polite_session(None, {}, sleep=clock.sleep, clock=clock.now, now=clock.now)
        with pytest.raises(HostBusy) as busy:
            session.get(f"{server.base}/art")
        assert busy.value.seconds == 300
        assert "Request blocked" in busy.value.detail
        assert len(server.asked) == 2


def test_a_plain_403_is_an_answer_not_a_block() -> None:
    clock = Clock()
    with FaultServer({"/art": b"{}"}, plan=scripted(Refuse(403))) as server:
        session = polite_session(None, {}, sleep=clock.sleep, clock=clock.now, now=clock.now)
        assert session.get(f"{server.base}/art").status_code == 403
        assert clock.slept == []
