"""Generation over generation: a training on generated pictures stops when its coverage falls.

What learns from what models drew loses variety first (Alemohammad et al., Self-Consuming Generative Models Go
MAD, ICLR 2024, https://arxiv.org/abs/2307.01850), and lost variety shows in coverage: the share of the real
pictures that have a generated one among their neighbours. It has fallen when it lies, by more than chance,
below what this run reached before, or below what the generation before had after as many pictures.
"""

from collections.abc import Callable, Mapping, Sequence
from math import sqrt
from typing import Any

from universe_gan.training.runs import Run, every

CHANCE = 2.0
"""Standard errors between two shares that are still taken for chance."""
Figures = Mapping[str, Any]


def watch(run: Run) -> Callable[[Figures, Sequence[Figures]], str]:
    """Who says of a judgement, and those before it, why to stop; nothing where all pictures are real."""
    origin = run.about.origin
    if not origin.synthetic:
        return lambda now, before: ""
    former = before_it(run)
    reals = {"held out": origin.held_out, "train": origin.pictures - origin.synthetic}
    return lambda now, before: fell(now, before, former, reals[now["against"]])


def before_it(run: Run) -> list[dict[str, Any]]:
    """The judgements of the generation before: of the last run of this name that was judged."""
    wanted = run.about.origin.generation - 1
    for one in reversed(every(run.path.parent)):
        if (one.about.name, one.about.origin.generation) != (run.about.name, wanted):
            continue
        if judged := [line for line in one.stats() if "coverage" in line]:
            return judged
    return []


def stopped(run: Run) -> str:
    """Why this run stands still: its last judgement said so. Empty: it may go on."""
    judged = [line for line in run.stats() if "coverage" in line]
    return watch(run)(judged[-1], judged[:-1]) if judged else ""


def fell(now: Figures, before: Sequence[Figures], former: Sequence[Figures], reals: int) -> str:
    """Whether coverage fell by more than chance, in words; empty: it did not.

    `before`: earlier judgements of this run; `former`: those of the generation before, in the order of steps;
    `reals`: how many real pictures coverage is a share of. What was measured otherwise is not compared.
    """
    alike = [line for line in before if _alike(line, now)]
    at_that_time = [line for line in former if _alike(line, now) and line["kimg"] <= now["kimg"]]
    bars = [(line["coverage"], f"at {line['kimg']:,g} kimg") for line in alike]
    bars += [
        (line["coverage"], f"in the generation before at {line['kimg']:,g} kimg")
        for line in at_that_time[-1:]
    ]
    if not bars:
        return ""
    best, where = max(bars, key=lambda bar: bar[0])
    share = (best + now["coverage"]) / 2
    chance = CHANCE * sqrt(2 * share * (1 - share) / max(reals, 1))
    if now["coverage"] >= best - chance:
        return ""
    return f"coverage fell to {now['coverage']:.2f}, from {best:.2f} {where}; chance alone: {chance:.2f}"


def _alike(line: Figures, now: Figures) -> bool:
    return all(line.get(name) == now[name] for name in ("extractor", "against", "judged"))
