"""Seeds as a user names them: `7`, `0-35` or `1,5,20-29`."""

import re
from collections.abc import Sequence

_RANGE = re.compile(r"^(\d+)(?:-(\d+))?$")
MOST_SEEDS = 1_000_000


class SeedsWrong(Exception):
    """Words that name no seeds."""

    def __init__(self, words: str, problem: str) -> None:
        super().__init__(f"{words!r}: {problem}")
        self.words, self.problem = words, problem


def in_words(seeds: Sequence[int], most: int = 4) -> str:
    """Seeds in rising order as ranges: `0-35, 100`; after `most` of those only how many more there are.

    >>> in_words([0, 1, 2, 5, 7, 8])
    '0-2, 5, 7-8'
    """
    ranges: list[list[int]] = []
    for seed in seeds:
        if ranges and seed == ranges[-1][-1] + 1:
            ranges[-1] = [ranges[-1][0], seed]
        else:
            ranges.append([seed])
    said = ", ".join("-".join(map(str, one)) for one in ranges[:most])
    left = len(seeds) - sum(one[-1] - one[0] + 1 for one in ranges[:most])
    return f"{said} and {left:,} more" if left else said


def read_seeds(words: str) -> list[int]:
    """`0-35,100` → the seeds it names, in order, each once. Raises `SeedsWrong`."""
    seeds: dict[int, None] = {}
    for part in words.split(","):
        found = _RANGE.match(part.strip())
        if not found:
            raise SeedsWrong(words, f"{part.strip()!r} is neither a number nor a range like 0-35")
        first, last = int(found[1]), int(found[2] or found[1])
        if last < first or last - first >= MOST_SEEDS or last >= 2**63:
            raise SeedsWrong(words, f"{part.strip()!r} is no range of at most {MOST_SEEDS:,} seeds")
        seeds |= dict.fromkeys(range(first, last + 1))
    return list(seeds)
