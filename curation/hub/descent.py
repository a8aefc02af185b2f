"""Generated pictures whose model may have learned from what was taken down since.

A model cannot unlearn one picture, and which one shaped which drawing nobody can tell. So the line of a
picture that is taken down remembers the sets that models had learned from until then (`Blocked.learned`,
their fingerprints): it may have been in any of them, and is taken to have been. What a model of such a set
drew is named by `takedown`, `audit` and `publish` from then on, also where it is accepted later;
`takedown --synthetic` drops it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from curation.dataset.synthetic import Synthetic
from curation.hub.blocked import Blocked, Blocklist


@dataclass(frozen=True)
class Descended:
    """The accepted pictures of one checkpoint that may have learned from what was taken down."""

    run: str
    checkpoint_sha256: str
    pictures: tuple[Synthetic, ...]
    taken_down: tuple[str, ...]
    """uids of what it may have learned from."""

    @property
    def words(self) -> str:
        many = f"{len(self.taken_down):,} images" if len(self.taken_down) > 1 else self.taken_down[0]
        return f"may have learned from {many}, taken down since"


def descended(accepted: Iterable[Synthetic], blocklist: Blocklist) -> list[Descended]:
    """By run and checkpoint, those that may have learned from a picture of the blocklist."""
    by_model: dict[tuple[str, str], list[Synthetic]] = {}
    for one in accepted:
        by_model.setdefault((one.run, one.checkpoint_sha256), []).append(one)
    found = []
    for (run, checkpoint), pictures in sorted(by_model.items()):
        prints = {one.dataset_fingerprint for one in pictures}
        gone = tuple(line.uid for line in blocklist.entries if line.uid and prints & set(line.learned))
        if gone:
            found.append(Descended(run, checkpoint, tuple(pictures), gone))
    return found


def remembering(lines: Sequence[Blocked], learned: Iterable[str]) -> list[Blocked]:
    """Lines of a takedown that remember what models had learned from; without a file it taught none."""
    prints = tuple(sorted(set(learned)))
    return [
        line.model_copy(update={"learned": prints}) if line.uid and line.sha256 else line for line in lines
    ]
