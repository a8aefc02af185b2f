"""Pairs of pictures laid over each other: asked once, answered by all workers, remembered for ever.

An answer depends on the two files and on `version` alone, so it is journalled (`compared.jsonl`) under both
hashes, and a later run with a hundred new pictures asks only about them. Killed at any moment, the next run
goes on; the answers are the same whoever gave them, in whatever order.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from collectors.frozen import Frozen
from collectors.progress import Stage
from collectors.storage.files import Journal
from collectors.storage.stores import Store
from curation import engine
from curation.duplicates.agreement import AGREEMENT, Eye
from curation.duplicates.edges import EdgeKind, Geometry

VERSION = 2
"""Raised when an answer changes its meaning, so that old ones are not believed."""
BATCH = 16
"""Questions a worker gets at a time."""
FEW = 4 * BATCH
"""Questions below which starting workers costs more than answering."""

Pair = tuple[str, str]
"""Two files by their SHA-256, the smaller first."""
Retrieve = Callable[[Sequence[str], Sequence[bool]], Iterable[tuple[int, int]]]
"""Files, and which of them are new → pairs worth a look of which one is new, by number."""


class Question(NamedTuple):
    """Do these two show the same? `first` < `second`."""

    first: str
    """SHA-256 of the file."""
    second: str
    ways: tuple[int, ...]
    """Orientations in which the wholes are laid over each other, in this order."""
    features: bool
    """Whether local features are matched where the wholes do not agree."""
    near: bool = False
    """Whether upright hashes, which can be trusted, are near: then the wholes need agree less."""


class Compared(Geometry):
    """The answer to a question, with its evidence."""

    first: str
    second: str
    ways: tuple[int, ...]
    features: bool
    near: bool = False
    version: str
    kind: EdgeKind | None = None
    """`VERIFIED` or `SAME_SKY`; `None`: strangers."""

    @property
    def question(self) -> Question:
        return Question(self.first, self.second, self.ways, self.features, self.near)


class _Retrieved(Frozen):
    """Among which files candidates were sought, as a line of the journal."""

    version: str
    joined: tuple[str, ...]
    """Files held against each other and against all that joined before."""
    anew: bool
    """Whether nobody had joined before."""
    candidates: tuple[Pair, ...]


class Comparisons:
    """Answers by question, old ones from a journal, new ones from the workers."""

    def __init__(
        self,
        journal: Path,
        version: str,
        thumbnails: Store,
        features: Store | None,
        *,
        stage: Stage,
        workers: int = 1,
    ) -> None:
        """`version` names what answers depend on besides the two files; `features` is `None` where nothing
        can match them."""
        self._journal, self._version, self._workers = (
            Journal(journal),
            f"{VERSION}/{AGREEMENT}/{version}",
            workers,
        )
        self._stage, self._asked = stage, 0
        self._work = partial(answer, version=self._version, thumbnails=thumbnails, features=features)
        self.has_features = features is not None
        self._known: dict[Question, Compared] = {}
        self._joined: set[str] = set()
        self._candidates: set[Pair] = set()
        for line in self._journal.read():
            self._remember(line)

    def close(self) -> None:
        """Close the journal."""
        self._journal.close()

    def answers(self, questions: Iterable[Question]) -> list[Compared]:
        """The answers, in the order of the questions. Raises `DiskFull`."""
        wanted = list(questions)
        todo = sorted({one for one in wanted if one not in self._known})
        self._asked += len(todo)
        self._stage.expect(self._asked)
        lone = []
        for given in self._run(todo, BATCH):
            self._stage.advance(len(given))
            for one in given:
                if one.version == self._version:
                    self._known[one.question] = one
                    self._journal.append(one.model_dump(mode="json", exclude_defaults=True))
                else:
                    lone.append(one.question)
        for given in self._run(lone, 1):  # a worker died on a batch: by which of its questions?
            for one in given:
                self._known[one.question] = one
                if one.version == self._version:
                    self._journal.append(one.model_dump(mode="json", exclude_defaults=True))
        return [self._known[one] for one in wanted]

    def candidates(self, files: Sequence[str], retrieve: Retrieve) -> list[Pair]:
        """Pairs of the files worth a look by their local features, sorted; only new files are sought.

        `retrieve` must judge each pair by itself.
        """
        files = sorted(files)
        fresh = [file not in self._joined for file in files]
        if any(fresh):
            found = {_pair(files[one], files[other]) for one, other in retrieve(files, fresh)}
            anew = not self._joined <= set(files)  # those who left were never held against the new ones
            kept = {pair for pair in self._candidates if set(pair) <= set(files)} if anew else set()
            line = _Retrieved(
                version=self._version,
                joined=tuple(file for file, new in zip(files, fresh, strict=True) if new or anew),
                anew=anew,
                candidates=tuple(sorted(found | kept)),
            )
            self._journal.append(line.model_dump(mode="json"))
            self._join(line)
        present = set(files)
        return sorted(pair for pair in self._candidates if present.issuperset(pair))

    def _run(self, questions: Sequence[Question], size: int) -> Iterator[tuple[Compared, ...]]:
        workers = self._workers if len(questions) >= FEW else 1
        batches = [questions[top : top + size] for top in range(0, len(questions), size)]
        return engine.run(self._work, batches, workers=workers, died=_unanswered)

    def _remember(self, line: Mapping[str, Any]) -> None:
        if line.get("version") != self._version:
            return
        try:
            if "joined" in line:
                self._join(_Retrieved.model_validate(line))
            else:
                one = Compared.model_validate(line)
                self._known[one.question] = one
        except ValidationError:
            return  # written by another version of this tool: asked again

    def _join(self, line: _Retrieved) -> None:
        if line.anew:
            self._joined, self._candidates = set(), set()
        self._joined.update(line.joined)
        self._candidates.update(line.candidates)


def answer(
    questions: Sequence[Question], version: str, thumbnails: Store, features: Store | None
) -> tuple[Compared, ...]:
    """Answer questions by what the stores hold. Pure but for what it reads."""
    return tuple(_answer(one, version, thumbnails, features) for one in questions)


def _answer(question: Question, version: str, thumbnails: Store, features: Store | None) -> Compared:
    first, second, ways, _, near = question
    said = Compared(**question._asdict(), version=version)
    eye = _eye(thumbnails)
    for way in ways:
        agreement = eye.agreement(first, second, way, near=near and way == 0)
        if agreement is not None:
            found = {"kind": EdgeKind.VERIFIED, "orientation": way, "agreement": round(agreement, 4)}
            return said.model_copy(update=found)
    if not question.features or features is None:
        return said
    from curation.duplicates.verification import Seen, verify

    match = verify(*(Seen(thumbnails.read(file), features.read(file)) for file in (first, second)))
    if match is None:
        return said
    kind = EdgeKind.VERIFIED if match.is_copy else EdgeKind.SAME_SKY
    return said.model_copy(
        update={
            "kind": kind,
            "inliers": match.inliers,
            "scale": round(match.scale, 4),
            "angle": round(match.angle, 2),
            "mirrored": match.mirrored,
            "agreement": round(match.agreement, 4),
        }
    )


@lru_cache(maxsize=1)
def _eye(thumbnails: Store) -> Eye:
    """One a process, with what it has seen last."""
    return Eye(thumbnails.read)


def _unanswered(questions: Sequence[Question]) -> tuple[Compared, ...]:
    """For a worker that died: strangers for now, under no version, so that nobody believes it next time."""
    return tuple(Compared(**one._asdict(), version="") for one in questions)


def _pair(one: str, other: str) -> Pair:
    return (one, other) if one < other else (other, one)
