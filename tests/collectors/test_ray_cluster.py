"""Connecting to Ray: what is said where there is none. On a cluster: `test_ray_engine.py` of curation."""

import socket

import pytest

from collectors.cluster import ClusterMissing, connect

pytest.importorskip("ray", reason="Ray is not installed (the extra `cluster`)")


def test_an_address_at_which_nobody_listens_is_told_at_once() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{nobody.getsockname()[1]}"
        with pytest.raises(ClusterMissing, match=address), connect(address):
            pass


@pytest.mark.parametrize("address", ["nonsense", "head:port", "[::1:6379", "127.0.0.1:99999999"])
def test_what_is_no_address_is_told_too(address: str) -> None:
    with pytest.raises(ClusterMissing), connect(address):
        pass


@pytest.mark.parametrize(
    "raised", [Exception("The node timed out\nMore words"), TimeoutError("The node timed out")]
)
def test_a_ray_of_our_own_that_does_not_start_is_told(
    raised: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def init(**how: object) -> None:
        raise raised

    monkeypatch.setattr("ray.init", init)
    with (
        pytest.raises(ClusterMissing, match=r"this machine: The node timed out$") as caught,
        connect(None, 1),
    ):
        pass
    assert caught.value.address is None


def test_what_ray_raises_by_mistake_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def init(**how: object) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr("ray.init", init)
    with pytest.raises(KeyError), connect(None, 1):
        pass
