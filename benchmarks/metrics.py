"""How often the interval of the KID holds the truth, and what its 95 % are worth.

    python benchmarks/metrics.py [--draws N] [--json FILE]

Features are normal, so that the truth is known: 0 for equal distributions, else the mean over large sets.
Beside ours stands the usual bootstrap, which draws pictures anew. Width 1: as wide as the estimate spreads.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from universe_gan.measuring import metrics
from universe_gan.measuring.metrics import Matrix

CASES = (
    # features, real, fake, shift of every feature
    (8, 40, 40, 0.0),
    (8, 150, 150, 0.0),
    (8, 30, 200, 0.0),
    (64, 40, 40, 0.0),
    (64, 60, 500, 0.0),
    (256, 100, 100, 0.0),
    (8, 150, 150, 0.3),
    (64, 60, 300, 0.2),
    (256, 100, 100, 0.2),
)
Ask = Callable[[Matrix, Matrix, int], tuple[float, float]]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--draws", type=int, default=400, help="sets of features for each line")
    options.add_argument("--json", type=Path, help="also write the table here")
    asked = options.parse_args()
    print("features  real  fake  shift |  ours: holds  width | drawn anew: holds  width")
    lines = [measured(*case, asked.draws) for case in CASES]
    if asked.json:
        asked.json.write_text(json.dumps(lines, indent=1) + "\n", encoding="utf-8")


def measured(wide: int, count: int, other: int, shift: float, draws: int) -> dict[str, float]:
    """One line of the table, printed and returned; shares of 1."""
    dice = np.random.default_rng(0)
    truth = _truth(wide, shift) if shift else 0.0
    ways: dict[str, Ask] = {"ours": _ours, "anew": drawn_anew}
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    values = []
    for seed in range(draws):
        real, fake = dice.normal(size=(count, wide)), dice.normal(shift, 1, (other, wide))
        values.append(metrics.kernel_distance(real, fake, draws=2).value)
        for name, way in ways.items():
            found[name].append(way(real, fake, seed))
    line = {"features": wide, "real": count, "fake": other, "shift": shift, "truth": truth}
    for name, intervals in found.items():
        line[f"{name}_holds"] = float(np.mean([low <= truth <= high for low, high in intervals]))
        line[f"{name}_width"] = float(
            np.median([high - low for low, high in intervals]) / (3.92 * np.std(values))
        )
    print(
        f"{wide:8} {count:5} {other:5} {shift:6} | {line['ours_holds']:12.1%} {line['ours_width']:6.2f}"
        f" | {line['anew_holds']:17.1%} {line['anew_width']:6.2f}",
        flush=True,
    )
    return line


def drawn_anew(real: Matrix, fake: Matrix, seed: int, draws: int = 200) -> tuple[float, float]:
    """The percentiles of the KID over pictures drawn with replacement, copies never compared."""
    dice = np.random.default_rng(seed)
    sides = (real, real), (fake, fake), (real, fake)
    kernels = [(one @ other.T / one.shape[1] + 1) ** 3 for one, other in sides]
    found = []
    for _ in range(draws):
        ours, theirs = (
            np.bincount(dice.integers(0, len(one), len(one)), minlength=len(one)) for one in (real, fake)
        )
        value = -2 * (ours @ kernels[2] @ theirs) / (len(real) * len(fake))
        for kernel, weights in ((kernels[0], ours), (kernels[1], theirs)):
            pairs = weights.sum() ** 2 - (weights**2).sum()
            value += (weights @ kernel @ weights - weights**2 @ np.diag(kernel)) / pairs
        found.append(value)
    low, high = np.percentile(found, [2.5, 97.5])
    return float(low), float(high)


def _ours(real: Matrix, fake: Matrix, seed: int) -> tuple[float, float]:
    found = metrics.kernel_distance(real, fake, seed=seed)
    return found.low, found.high


def _truth(wide: int, shift: float, sets: int = 6, large: int = 2000) -> float:
    dice = np.random.default_rng(1)
    pairs = ((dice.normal(size=(large, wide)), dice.normal(shift, 1, (large, wide))) for _ in range(sets))
    return float(np.mean([metrics.kernel_distance(*pair, draws=2).value for pair in pairs]))


if __name__ == "__main__":
    main()
