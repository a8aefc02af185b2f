"""Learning, shown on real pictures: after a minute, what is generated is nearer to unseen ones."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest
import stellarium

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from universe_gan import data  # noqa: E402
from universe_gan.data import Pictures, Prepared  # noqa: E402
from universe_gan.measuring import judging  # noqa: E402
from universe_gan.training.gan import Training  # noqa: E402
from universe_gan.training.loop import train  # noqa: E402
from universe_gan.training.settings import TrainSettings  # noqa: E402

SETTINGS = TrainSettings(
    batch=8,
    kimg=1.2,
    breadth=1 / 32,
    latent=32,
    attention=(),
    rate=1e-3,
    ema_kimg=0.5,
    log_kimg=0.4,
    save_kimg=100,
    precision="fp32",
    extractor="plain",
)


@dataclass
class Onlooker:
    """Keeps the statistics, writes nothing."""

    seen: list[dict[str, float]] = field(default_factory=list)

    def log(self, stats: dict[str, float]) -> None:
        self.seen.append(stats)

    def save(self, training: Training) -> None:
        return

    def advance(self, training: Training) -> None:
        return


@pytest.fixture(scope="module")
def skies(tmp_path_factory: pytest.TempPathFactory) -> tuple[Prepared, Path]:
    """Every second picture to train on, the others held out."""
    folder = stellarium.nebulae()[0].parent
    cache = tmp_path_factory.mktemp("cache")
    whole = data.prepare(str(folder), side=32, cache=cache, workers=2)

    def part(begin: int) -> Pictures:
        return Pictures(whole.train.pixels[begin::2], whole.train.names[begin::2])

    return Prepared(whole.origin, part(0), part(1)), cache


def test_a_minute_of_training_halves_the_distance_to_unseen_skies(skies: tuple[Prepared, Path]) -> None:
    prepared, cache = skies
    judge = judging.judge(prepared, SETTINGS, cache, torch.device("cpu"))
    training, onlooker = Training(SETTINGS, 32, torch.device("cpu")), Onlooker()
    before = judge(training.average, training.device)
    train(training, prepared.train, witness=onlooker)
    after = judge(training.average, training.device)
    assert after["kid_high"] < before["kid"] / 2
    assert after["colour"] < before["colour"]
    assert [round(stats["kimg"], 1) for stats in onlooker.seen] == [0.4, 0.8, 1.2]
