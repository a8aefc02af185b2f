"""Several processes: two of gloo on this machine, started by torchrun over loopback."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

WORKER = """
import json, sys
from pathlib import Path
import torch
from toys import SIDE, settings
from test_train import Notes, pictures
from universe_gan.training import checkpoints
from universe_gan.networks import stylegan2
from universe_gan.networks.verdicts import logistic
from universe_gan.training.ranks import Ranks, joined
from universe_gan.training.gan import Training
from universe_gan.training.loop import train

out, cpu = Path(sys.argv[1]), torch.device("cpu")
with joined() as ranks:
    training, notes = Training(settings(batch=4), SIDE, cpu, ranks), Notes()
    train(training, pictures(), witness=notes if ranks.writes else None)
    checkpoints.write(out / f"{ranks.rank}.safetensors", training.state(), {})
    told = ranks.told("from the first" if ranks.writes else "nobody hears this")

    dice = torch.Generator().manual_seed(1)
    real, fake = (torch.randn(8, 3, SIDE, SIDE, generator=dice) for _ in range(2))
    gradients = []
    for shared in (Ranks(), ranks):
        torch.manual_seed(0)
        net = stylegan2.Discriminator(SIDE, breadth=1 / 64)
        mine = slice(shared.rank, None, shared.world)
        logistic(net(real[mine]), net(fake[mine])).backward()
        shared.average(net.parameters())
        gradients.append(torch.cat([one.grad.flatten() for one in net.parameters()]))
    off = float((gradients[0] - gradients[1]).norm() / gradients[0].norm())
    (out / f"{ranks.rank}.json").write_text(json.dumps(
        {"told": told, "off": off, "writes": ranks.writes, "lines": len(notes.lines),
         "any": ranks.any(ranks.rank == 1),
         "gathered": ranks.gathered(torch.tensor([float(ranks.rank)])).tolist()}))
"""


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes left behind."""
    place = tmp_path_factory.mktemp("ranks")
    (place / "worker.py").write_text(WORKER, encoding="utf-8")
    here = Path(__file__).parent
    started = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    paths = os.pathsep.join(map(str, (here.parents[2], here.parent, here)))
    done = subprocess.run(
        [*started, str(place / "worker.py"), str(place)],
        env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return place


def test_both_end_with_the_same_weights_averages_and_controller(two: Path) -> None:
    from universe_gan.training import checkpoints

    first, second = (checkpoints.read(two / f"{rank}.safetensors")[0] for rank in (0, 1))
    assert first.keys() == second.keys()
    assert [name for name in first if not torch.equal(first[name], second[name])] == []


def test_one_writes_and_the_other_hears_it(two: Path) -> None:
    first, second = (json.loads((two / f"{rank}.json").read_text()) for rank in (0, 1))
    assert (first["writes"], second["writes"]) == (True, False)
    assert first["told"] == second["told"] == "from the first"
    assert first["lines"] > 0 == second["lines"]
    assert first["any"]
    assert second["any"]
    assert first["gathered"] == second["gathered"] == [0, 1]


def test_gradients_of_the_same_pictures_are_those_of_one_process(two: Path) -> None:
    """Also the deviation within the batch: a group of four is all even or all odd numbers, one rank's each.

    What is not equal: the random numbers of a step (latents, augmentation) follow the rank, and the batch
    statistics of `lightweight` are those of each rank's own pictures.
    """
    for rank in (0, 1):
        assert json.loads((two / f"{rank}.json").read_text())["off"] < 1e-5
