"""Stores elsewhere: the same as a folder, whole objects, checked bytes, a cache with a limit, plain words."""

import hashlib
import os
import pickle
from pathlib import Path
from uuid import uuid4

import fsspec
import pytest

from collectors.storage import remote_store
from collectors.storage.filesystems import StoreRefused, StoreUnreachable, StoreUnusable, checked, told
from collectors.storage.remote_store import ObjectDamaged, RemoteStore
from collectors.storage.stores import ChangedMeanwhile, Store
from collectors.storage.workspace import KeptElsewhere, Workspace, keep_at
from curation import engine


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))


@pytest.fixture
def url() -> str:
    return f"memory://{uuid4().hex}/originals"


@pytest.fixture(params=["folder", "remote"])
def store(request: pytest.FixtureRequest, tmp_path: Path, url: str) -> Store:
    return Store(tmp_path / "here") if request.param == "folder" else remote_store.at(url, by_content=True)


def test_a_folder_and_an_address_behave_alike(store: Store, tmp_path: Path) -> None:
    name = store.add(b"a picture")
    assert name == sha(b"a picture")
    assert name in store
    assert sha(b"none") not in store
    assert (store.size(name), store.size(sha(b"none"))) == (9, None)
    assert store.read(name) == store.path(name).read_bytes() == b"a picture"
    store.put(sha(b"other"), b"other")
    assert set(store.names()) == {name, sha(b"other")}
    (tmp_path / "file").write_bytes(b"copied")
    store.copy(tmp_path / "file", sha(b"copied"))
    (tmp_path / "part").write_bytes(b"adopted")
    store.adopt(tmp_path / "part", sha(b"adopted"))
    assert not (tmp_path / "part").exists()
    assert (tmp_path / "file").exists()
    assert store.read(sha(b"copied")) + store.read(sha(b"adopted")) == b"copiedadopted"
    answer = store.add_answer({"b": 1, "a": [2]})
    assert store.answer(answer) == {"a": [2], "b": 1}
    store.drop(name)
    store.drop(name)
    assert name not in store
    assert not store.is_sound(name)
    with pytest.raises(FileNotFoundError):
        store.read(name)


def test_a_file_that_changes_while_it_is_copied_is_not_taken(store: Store, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"new")
    with pytest.raises(ChangedMeanwhile):
        store.copy(tmp_path / "file", sha(b"old"))
    assert list(store.names()) == []


def test_another_process_finds_what_one_has_put(url: str, tmp_path: Path) -> None:
    name = remote_store.at(url, by_content=True).add(b"seen by all")
    other = RemoteStore(tmp_path / "other machine", url, True)
    assert name in other
    assert pickle.loads(pickle.dumps(other)).read(name) == b"seen by all"
    assert list((tmp_path / "other machine").glob("??/*")) == [other.path(name)]


def test_damage_in_the_store_is_found_and_named(url: str, tmp_path: Path) -> None:
    name = remote_store.at(url, by_content=True).add(b"whole")
    fsspec.filesystem("memory").pipe_file(f"{url}/{name[:2]}/{name}", b"whale")
    other = RemoteStore(tmp_path / "other", url, True)
    with pytest.raises(ObjectDamaged, match=name):
        other.path(name)
    assert not other.is_sound(name)
    by_products = RemoteStore(tmp_path / "by-products", url)  # their names do not say their bytes
    assert by_products.read(name) == b"whale"


def test_existence_is_asked_once_a_folder(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [remote_store.at(url).add(bytes([number])) for number in range(40)]
    other = RemoteStore(tmp_path / "other", url)
    asked = []
    kind = type(fsspec.filesystem("memory"))
    real = kind.ls

    def ls(self: object, path: str, *rest: object, **more: object) -> object:
        asked.append(path)
        return real(self, path, *rest, **more)

    monkeypatch.setattr(kind, "ls", ls)
    assert all(name in other for name in names * 3)
    assert not any(sha(name.encode()) in other for name in names)
    assert len(asked) == len(set(asked)) <= 80


def test_a_full_cache_forgets_what_was_not_asked_for_the_longest(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNIVERSE_GAN_CACHE_BYTES", "10000")
    store = RemoteStore(tmp_path / "cache", url)
    first = [store.add(os.urandom(1000)) for _ in range(32)]
    for path in store.root.glob("??/*"):
        os.utime(path, (0, 0))
    kept = store.path(first[5])  # asked for: young again
    for _ in range(32):
        store.add(os.urandom(100))
    assert kept.is_file()
    held = sum(path.stat().st_size for path in store.root.glob("??/*"))
    assert held <= 10_000
    assert all(len(store.read(name)) == 1000 for name in first)  # they are still in the store


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("no-address", "no address"),
        ("/some/folder", "no address"),
        ("s3://key:secret@bucket/x", "carries no key"),
        ("s3://bucket/x?token=secret", "carries no key"),
        ("gopher+3://x", "nothing is known"),
    ],
)
def test_addresses_that_cannot_be_are_refused_and_tell_no_secret(address: str, why: str) -> None:
    with pytest.raises(StoreUnusable, match=why) as error:
        checked(address)
    assert "secret" not in f"{error.value} {error.value.fix}"


def test_failures_of_the_libraries_become_ours() -> None:
    with pytest.raises(StoreRefused), told("s3://x"):
        raise PermissionError("Access Denied")
    with pytest.raises(StoreUnreachable, match="no route"), told("s3://x"):
        raise OSError(113, "no route to host")
    with pytest.raises(FileNotFoundError), told("s3://x"):
        raise FileNotFoundError("x")


def _unreachable(number: int) -> int:
    raise StoreUnreachable("s3://x", f"no answer to {number}")


def test_a_store_that_leaves_a_worker_process_alone_is_no_dead_worker() -> None:
    with pytest.raises(StoreUnreachable, match="no answer to 0"):
        list(engine.run(_unreachable, range(3), workers=2))


def test_a_workspace_remembers_where_its_files_are(tmp_path: Path, url: str) -> None:
    keep_at(tmp_path / "sky", f"{url}/")
    keep_at(tmp_path / "sky", url)
    workspace = Workspace(tmp_path / "sky")
    name = workspace.originals.add(b"far away")
    assert not (tmp_path / "sky" / "originals").exists()
    assert Workspace(tmp_path / "sky").originals.read(name) == b"far away"
    keep_at(tmp_path / "sky", f"{url}-2")  # nothing was made yet
    (tmp_path / "sky" / "examined.jsonl").touch()
    with pytest.raises(KeptElsewhere):
        keep_at(tmp_path / "sky", url)
    (tmp_path / "here" / "originals").mkdir(parents=True)
    with pytest.raises(KeptElsewhere):
        keep_at(tmp_path / "here", url)
