"""Curating on a real Ray cluster of two workers: the same bytes as here, whatever is killed meanwhile."""

import contextlib
import io
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

ray = pytest.importorskip("ray", reason="Ray is not installed (the extra `cluster`)")

try:
    import buckets
except ImportError:  # they need moto
    buckets = None  # type: ignore[assignment]

from collectors.cluster import Cluster  # noqa: E402
from curation import engine  # noqa: E402
from curation.engine import WorkerDied, alike, cluster  # noqa: E402
from universe_gan.shell.cli import run  # noqa: E402
from universe_gan.shell.demo import set_up  # noqa: E402
from universe_gan.shell.exits import Exit  # noqa: E402

needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for workers in /proc")
HOUSE = Path(__file__).parents[3]
PICTURES = 10
RAY = ["--engine", "ray", "--workers", "2"]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """A server of S3, or no address where moto is not installed."""
    with buckets.serving() if buckets else contextlib.nullcontext("") as address:
        yield address


@pytest.fixture
def store(endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An empty bucket there, which the workers find too."""
    if not endpoint:
        pytest.skip("boto3, s3fs or moto's server is not installed")
    with buckets.bucket(endpoint, tmp_path / "cache", monkeypatch) as client:
        yield client


@pytest.fixture(scope="module")
def joined(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One cluster for all tests; its workers find the functions of this file."""
    with pytest.MonkeyPatch.context() as patch, contextlib.ExitStack() as stack:
        patch.delenv("RAY_ADDRESS", raising=False)
        if endpoint:
            stack.enter_context(buckets.bucket(endpoint, tmp_path_factory.mktemp("cache"), patch))
        patch.setenv("PYTHONPATH", os.pathsep.join(map(str, (HOUSE, HOUSE / "tests", Path(__file__).parent))))
        with cluster.joined(None, 2) as found:
            yield found


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some of the sample's pictures, collected and not looked at; tests copy them."""
    home = tmp_path_factory.mktemp("collected") / "demo"
    set_up(home)
    for path in sorted((home / "manifests" / "images").glob("*.*"))[PICTURES:]:
        path.unlink()
    assert tell(["collect", str(home / "manifests" / "sample.toml")])[0] == Exit.DONE
    return home


@pytest.fixture(scope="module")
def expected(collected: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Every file as one machine makes it."""
    home = tmp_path_factory.mktemp("local") / "demo"
    shutil.copytree(collected, home)
    assert tell(["curate", str(home / "manifests" / "sample.toml"), "--workers", "2"])[0] == Exit.DONE
    found = files(home)
    assert sum(name.startswith("squares/") for name in found) >= PICTURES // 2
    assert any(name.startswith("dataset/data/") for name in found)
    return found


@pytest.fixture
def home(collected: Path, tmp_path: Path) -> Path:
    return shutil.copytree(collected, tmp_path / "demo")


def tell(words: list[str]) -> tuple[int, str]:
    """The exit code of a command, and all it said."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        return run(words), said.getvalue()


def files(home: Path) -> dict[str, bytes]:
    """What a command made, but for what names the process and the time, and what a killed one left."""
    data = home / "data" / "sample"
    found = {path.relative_to(data).as_posix(): path for path in data.rglob("*") if path.is_file()}
    left = {name for name in found if name in ("lock", "log.txt") or ("/" not in name and "seen-" in name)}
    left |= {name for name in found if name.endswith(".part")}
    return {name: path.read_bytes() for name, path in found.items() if name not in left}


def square(number: int) -> int:
    return number * number


def shot(number: int, victims: tuple[int, ...], mark: Path | None = None) -> int:
    """Dies as a decoder does that reads beyond its memory; with a mark, only the first time."""
    if number in victims and not (mark and mark.exists()):
        if mark:
            mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def fails(number: int) -> int:
    if number == 37:
        raise alike.FolderUnseen("vm", Path(str(number)))
    return number


def weighty(number: int) -> bytes:
    return bytes(1_000_000)


def test_results_come_in_order(joined: Cluster) -> None:
    assert list(engine.run(square, range(300), workers=2)) == [number * number for number in range(300)]


def test_the_item_on_which_workers_die_is_told_from_its_neighbours(joined: Cluster) -> None:
    results = engine.run(partial(shot, victims=(21, 37)), range(60), workers=2, died=lambda item: -item)
    assert list(results) == [-number if number in (21, 37) else number for number in range(60)]
    with pytest.raises(WorkerDied) as caught:
        list(engine.run(partial(shot, victims=(5,)), range(9), workers=2))
    assert caught.value.item == 5


def test_a_worker_that_dies_once_changes_nothing(joined: Cluster, tmp_path: Path) -> None:
    work = partial(shot, victims=(21,), mark=tmp_path / "mark")
    assert list(engine.run(work, range(60), workers=2)) == list(range(60))
    assert (tmp_path / "mark").exists()


def test_what_the_function_raises_comes_through_as_it_was_and_in_order(joined: Cluster) -> None:
    seen: list[int] = []
    with pytest.raises(alike.FolderUnseen) as caught:
        seen.extend(engine.run(fails, range(60), workers=2))
    assert (seen, caught.value.folder) == (list(range(37)), Path("37"))


def test_more_than_the_store_holds_goes_through_it(joined: Cluster) -> None:
    assert sum(len(one) for one in engine.run(weighty, range(150), workers=2)) == 150_000_000


def test_a_machine_with_other_software_is_told_before_its_first_item(
    joined: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = dict(alike.software())
    monkeypatch.setattr(alike, "software", lambda: {**mine, "pillow": "1.0"})
    with cluster.joined(None, 2), pytest.raises(alike.WorkersDiffer) as caught:
        list(engine.run(square, range(9), workers=2))
    assert caught.value.differences == {"pillow": ("1.0", mine["pillow"])}


def test_a_machine_that_does_not_see_the_workspace_is_told_before_its_first_item(
    joined: Cluster, tmp_path: Path
) -> None:
    with cluster.joined(None, 2, [tmp_path]):
        [witness] = tmp_path.iterdir()
        witness.write_text("another disk at the same path")
        with pytest.raises(alike.FolderUnseen) as caught:
            list(engine.run(square, range(9), workers=2))
    assert caught.value.folder == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_a_dataset_is_the_same_byte_for_byte(joined: Cluster, home: Path, expected: dict[str, bytes]) -> None:
    code, said = tell(["curate", str(home / "manifests" / "sample.toml"), *RAY])
    assert code == Exit.DONE, said
    assert "2 workers of Ray" in said
    assert differing(files(home), expected) == set()


@needs_proc
def test_a_worker_that_is_killed_meanwhile_changes_nothing(
    joined: Cluster, home: Path, expected: dict[str, bytes]
) -> None:
    examined = home / "data" / "sample" / "thumbnails"
    with killing_one(lambda: any(examined.rglob("*"))):
        code, said = tell(["curate", str(home / "manifests" / "sample.toml"), *RAY])
    assert code == Exit.DONE, said
    assert differing(files(home), expected) == set()


@needs_proc
def test_files_in_s3_and_a_worker_that_is_killed_meanwhile_change_nothing(
    joined: Cluster, store: Any, home: Path, expected: dict[str, bytes], tmp_path: Path
) -> None:
    shutil.rmtree(home / "data")
    recipe = str(home / "manifests" / "sample.toml")
    code, said = tell(["collect", recipe, "--store", "s3://sky/far"])
    assert code == Exit.DONE, said
    shutil.rmtree(tmp_path / "cache")  # workers have to ask the store
    with killing_one(lambda: bool(buckets.keys(store, "far/thumbnails/"))):
        code, said = tell(["curate", recipe, *RAY])
    assert code == Exit.DONE, said
    made = {name: data for name, data in files(home).items() if name != "store.url"}
    assert not any(name.startswith(("originals/", "squares/", "thumbnails/")) for name in made)
    for name in buckets.keys(store, "far/"):
        made[name] = store.get_object(Bucket=buckets.BUCKET, Key=f"far/{name}")["Body"].read()
    assert differing(made, expected) == set()


@needs_proc
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_stopped_or_killed_nothing_runs_on_and_the_same_command_goes_on(
    home: Path, expected: dict[str, bytes], joined: Cluster, number: int
) -> None:
    words = ["-m", "universe_gan", "curate", "manifests/sample.toml", *RAY]
    started = start(words, home)
    thumbnails = home / "data" / "sample" / "thumbnails"
    wait_for(lambda: started.poll() is not None or any(thumbnails.rglob("*")), 100)
    assert started.poll() is None, started.communicate()
    family = {pid for pid, parent, _ in processes() if parent == started.pid}
    family |= {pid for pid, parent, words in processes() if parent in family and "Agent" not in words}
    assert len(family) > 3
    if number == signal.SIGINT:
        os.killpg(started.pid, number)  # as the terminal does
    else:
        started.kill()
    _, err = started.communicate(timeout=60)
    assert not any(name.startswith("dataset/") for name in files(home))
    if number == signal.SIGINT:
        assert started.returncode == Exit.INTERRUPTED, err
        assert "Traceback" not in err
    else:
        code, said = tell(["curate", str(home / "manifests" / "sample.toml"), *RAY])
        assert code == Exit.DONE, said
        assert differing(files(home), expected) == set()
    wait_for(lambda: not family & {pid for pid, _, _ in processes()}, 100)


PROGRAM = """
from ray.cluster_utils import Cluster
from curation import engine
from curation.engine import cluster
from test_ray_engine import at_leisure

small = {"num_cpus": 1, "object_store_memory": 80_000_000}
nodes = Cluster(initialize_head=True, head_node_args=small)
victim = nodes.add_node(**small)
nodes.wait_for_nodes()
with cluster.joined(nodes.address) as found:
    results = engine.run(at_leisure, range(60), workers=found.workers)
    seen = [next(results) for _ in range(10)]
    nodes.remove_node(victim, allow_graceful=False)
    assert seen + list(results) == [(number, bytes(200_000)) for number in range(60)]
    print("the same")
nodes.shutdown()
"""


def at_leisure(number: int) -> tuple[int, bytes]:
    time.sleep(0.1)
    return number, bytes(200_000)


def test_a_machine_that_is_lost_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    out, err = start(["program.py"], tmp_path).communicate(timeout=200)
    assert out.splitlines()[-1:] == ["the same"], err[-2000:]


def start(words: list[str], folder: Path) -> "subprocess.Popen[str]":
    """A Python in a session of its own."""
    places = os.pathsep.join(map(str, (HOUSE, HOUSE / "tests", Path(__file__).parent)))
    kept = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    return subprocess.Popen(
        [sys.executable, *words],
        cwd=folder,
        env=kept | {"PYTHONPATH": places, "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"},  # on the loopback alone
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def differing(found: dict[str, bytes], expected: dict[str, bytes]) -> set[str]:
    return {name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name)}


def processes() -> Iterator[tuple[int, int, str]]:
    """Number, parent and words of every process that runs."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, parent = (folder / "stat").read_text().rsplit(")", 1)[1].split()[:2]
            if state != "Z":
                yield int(folder.name), int(parent), (folder / "cmdline").read_text()
        except OSError:  # gone meanwhile
            continue


@contextlib.contextmanager
def killing_one(at_work: Callable[[], bool]) -> Iterator[None]:
    """Kill a worker of our cluster meanwhile, as soon as this is so."""
    killed: list[int] = []
    killer = threading.Thread(target=lambda: killed.append(kill_one(at_work)), daemon=True)
    killer.start()
    yield
    killer.join(20)
    assert killed


def kill_one(at_work: Callable[[], bool]) -> int:
    wait_for(at_work, 60)
    mine = {pid for pid, parent, _ in processes() if parent == os.getpid()}
    worker = next(pid for pid, parent, words in processes() if parent in mine and "ray::_work" in words)
    os.kill(worker, signal.SIGKILL)
    return worker


def wait_for(condition: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
