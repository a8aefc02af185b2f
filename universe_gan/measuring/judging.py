"""Judging a training: how good its average is by now, in figures that hold for a few hundred pictures.

Every `judge_kimg` the same seeds are drawn, as many as there are real training pictures but at most 1,000,
and compared with real pictures, never with generated ones: the held-out ones where there are enough of them,
else those trained on. The best checkpoint is the one of the lowest KID; it gives way only to one whose gain
is larger than half the width of the interval, because less may be chance. The judgement before the first
step is one to compare with: that generator has learned nothing and is never the best.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from universe_gan import sheets
from universe_gan.data import Prepared
from universe_gan.measuring import metrics
from universe_gan.measuring.extractors import Extractor, choose
from universe_gan.measuring.metrics import Matrix
from universe_gan.networks import chosen
from universe_gan.training.settings import TrainSettings

MOST = 1000
"""Pictures that are drawn to be judged."""
FEWEST = 20
"""Held-out pictures from which on they are what is compared with."""
PATIENCE = 5
"""Judgements without gain after which it is said."""


@dataclass
class Judge:
    """The real side, looked at once, and the figures of a generator against it."""

    extractor: Extractor
    train: NDArray[np.uint8]
    """(n, side, side, 3): the real pictures that were trained on."""
    held_out: NDArray[np.uint8]
    """(m, side, side, 3); m may be 0."""
    of_train: Matrix
    """(n, d): what the extractor sees in them."""
    of_held_out: Matrix
    """(m, d)."""
    latent: int
    """Numbers that the generator draws a picture from."""
    seed: int = 0

    @property
    def is_fresh(self) -> bool:
        """Whether enough pictures are held out to compare with them, which no generator has learned from."""
        return len(self.held_out) >= FEWEST

    @property
    def real(self) -> NDArray[np.uint8]:
        """(n, side, side, 3): what is compared with, held out where there are enough, else trained on."""
        return self.held_out if self.is_fresh else self.train

    @property
    def of_real(self) -> Matrix:
        """(n, d): what the extractor sees in `real`."""
        return self.of_held_out if self.is_fresh else self.of_train

    def __call__(
        self, generator: nn.Module, device: torch.device, count: int | None = None
    ) -> dict[str, Any]:
        """The figures of one generator, by `count` pictures of the same seeds each time. Raises `TooFew`."""
        count = count or min(len(self.train), MOST)
        return self.figures(drawn(generator, count, self.latent, self.seed, device))

    def figures(self, made: NDArray[np.uint8]) -> dict[str, Any]:
        """KID with its interval, FD with its floor and so on, of pictures (n, side, side, 3).

        Raises `TooFew`.
        """
        real, fake = self.of_real, self.extractor(made)
        kid = metrics.kernel_distance(real, fake, seed=self.seed)
        # equal N on both sides of the distance and of its floor, else neither says anything of the other
        equal = min(len(real) // 2, len(fake))
        return {
            "extractor": self.extractor.name,
            "against": "held out" if self.is_fresh else "train",
            "judged": len(made),
            "kid": kid.value,
            "kid_low": kid.low,
            "kid_high": kid.high,
            "fd": metrics.frechet_distance(real[:equal], fake[:equal]),
            "fd_floor": metrics.floor(real, equal, seed=self.seed),
            "fd_pictures": equal,
            "coverage": metrics.coverage(real, fake),
            "recall": metrics.recall(real, fake),
            "memorisation": metrics.memorisation(self.of_train, real, fake) if self.is_fresh else None,
            "spectrum_db": metrics.spectrum_distance(self.real, made),
            "colour": metrics.colour_distance(self.real, made),
        }


def judge(prepared: Prepared, settings: TrainSettings, cache: Path, device: torch.device) -> Judge:
    """The judge of a run; features of real pictures are kept in the cache.

    Raises:
        ExtractorRefused, ExtractorBroken, WeightsUnfit, WeightsMissing: as `extractors.choose`.
        DiskFull: no room in the cache.
    """
    extractor = choose(settings.extractor, chosen(settings).backbone, device)
    key = prepared.origin.fingerprint
    train, held_out = prepared.reals.pixels, prepared.held_out.pixels
    of_train, of_held_out = (
        extractor.remembered(pixels, cache, f"{key} {split}") if len(pixels) else np.zeros((0, 1))
        for split, pixels in (("train", train), ("test", held_out))
    )
    return Judge(extractor, train, held_out, of_train, of_held_out, settings.latent, settings.seed)


def drawn(
    generator: nn.Module, count: int, latent: int, seed: int, device: torch.device
) -> NDArray[np.uint8]:
    """(count, side, side, 3) from fixed latents and fixed noise; whoever draws next sees no difference."""
    dice = torch.Generator().manual_seed(seed)
    latents = torch.randn(count, latent, generator=dice)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        return sheets.draw(generator, latents, device)


def is_better(figures: Mapping[str, Any], best: Mapping[str, Any] | None) -> bool:
    """Whether the KID fell by more than half the width of its interval; other measures start anew."""
    if best is None or any(best[name] != figures[name] for name in ("extractor", "against")):
        return True
    return bool(best["kid"] - figures["kid"] > (figures["kid_high"] - figures["kid_low"]) / 2)


def without_gain(judged: Sequence[Mapping[str, Any]]) -> int:
    """How many judgements came after the best one."""
    best, count = None, 0
    for figures in judged:
        if is_better(figures, best):
            best, count = figures, 0
        else:
            count += 1
    return count


def words(figures: Mapping[str, Any]) -> str:
    """One line for people."""
    remembers = figures["memorisation"]
    near = "" if remembers is None else f", nearness to training pictures {remembers:.2f} (below 0.8: copies)"
    return (
        f"KID {figures['kid']:.4f} ({figures['kid_low']:.4f} to {figures['kid_high']:.4f}),"
        f" FD {figures['fd']:.1f} (real pictures: {figures['fd_floor']:.1f}),"
        f" coverage {figures['coverage']:.2f}, recall {figures['recall']:.2f}{near};"
        f" by {figures['extractor']} against {figures['against']}"
    )
