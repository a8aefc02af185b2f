"""Seeds as a user names them: `7`, `0-35` or `1,5,20-29`."""

import re

_RANGE = re.compile(r"^(\d+)(?:-(\d+))?$")
MOST_SEEDS = 1_000_000


class SeedsWrong(Exception):
    """Words that name no seeds."""

    def __init__(self, words: str, problem: str) -> None:
        super().__init__(f"{words!r}: {problem}")
        self.words, self.problem = words, problem


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
