"""Comparisons are made once, by any number of workers, and survive everything that happens to a run."""

import hashlib
import itertools
import random
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from skies import a_sky

from collectors.progress import Stage
from collectors.storage.files import write_whole
from collectors.storage.stores import Store
from curation.duplicates import compared
from curation.duplicates.compared import Compared, Comparisons, Question
from curation.duplicates.edges import EdgeKind
from curation.imaging.fingerprint import fingerprint


class Counted:
    """A stage that remembers."""

    def __init__(self) -> None:
        self.done, self.total = 0, 0

    def advance(self, count: int = 1) -> None:
        self.done += count

    def expect(self, total: int) -> None:
        self.total = total


def sha(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def opened(folder: Path, *, version: str = "1", features: bool = False, **options: Any) -> Comparisons:
    stage: Stage = options.pop("stage", None) or Counted()
    store = Store(folder / "features") if features else None
    journal = folder / "compared.jsonl"
    return Comparisons(journal, version, Store(folder / "thumbnails"), store, stage=stage, **options)


def answered(folder: Path, questions: Iterable[Question], **options: Any) -> list[Compared]:
    comparisons = opened(folder, **options)
    try:
        return comparisons.answers(questions)
    finally:
        comparisons.close()


def some_skies(folder: Path, count: int = 12) -> list[Question]:
    """Questions about every two of some pictures; every fourth is an earlier one, turned round."""
    for number in range(count):
        image = a_sky(number // 4 if number % 4 == 3 else number + 100, 96)
        if number % 4 == 3:
            image = a_sky(number + 99, 96).transpose(Image.Transpose.ROTATE_180)
        write_whole(Store(folder / "thumbnails").path(sha(number)), fingerprint(image).thumbnail)
    pairs = itertools.combinations(sorted(map(sha, range(count))), 2)
    return [Question(one, other, (0, 3), False) for one, other in pairs]


def test_answers_and_journal_are_the_same_with_any_number_of_workers(tmp_path: Path) -> None:
    questions = some_skies(tmp_path / "alone")
    some_skies(tmp_path / "many")
    assert len(questions) > compared.FEW
    stage = Counted()
    alone = answered(tmp_path / "alone", questions)
    many = answered(
        tmp_path / "many", random.Random(1).sample(questions, len(questions)), workers=2, stage=stage
    )
    assert sorted(many, key=lambda one: one.question) == alone
    assert (stage.done, stage.total) == (len(questions), len(questions))
    written = [(tmp_path / name / "compared.jsonl").read_bytes() for name in ("alone", "many")]
    assert written[0] == written[1] != b""
    found = {(one.first, one.second): one.orientation for one in alone if one.kind}
    turned = {tuple(sorted((sha(number), sha(number - 1)))): 3 for number in (3, 7, 11)}
    assert found == turned


def refuse(*_: Any, **__: Any) -> tuple[Compared, ...]:
    raise AssertionError("compared again")


def test_what_was_answered_is_never_asked_again_but_by_another_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions = some_skies(tmp_path, 5)
    first = answered(tmp_path, questions)
    stage = Counted()
    with monkeypatch.context() as patch:
        patch.setattr(compared, "answer", refuse)
        assert answered(tmp_path, questions, stage=stage) == first
        assert (stage.done, stage.total) == (0, 0)
        with pytest.raises(AssertionError, match="compared again"):
            answered(tmp_path, questions, version="2")
        with pytest.raises(AssertionError, match="compared again"):
            answered(tmp_path, [questions[0]._replace(ways=(1,))])
    assert [one.kind for one in answered(tmp_path, questions, version="2")] == [one.kind for one in first]


def test_a_journal_that_was_torn_anywhere_gives_the_same_answers(tmp_path: Path) -> None:
    questions = some_skies(tmp_path, 4)
    expected = answered(tmp_path, questions)
    journal = tmp_path / "compared.jsonl"
    whole = journal.read_bytes()
    for cut in range(0, len(whole), 97):
        journal.write_bytes(b'{"version":"?","colour":"red"}\n' + whole[:cut])
        assert answered(tmp_path, questions) == expected
        assert len(journal.read_bytes().splitlines()) == 1 + len(expected)


@dataclass
class Crashing:
    """An engine on which a worker dies whenever it gets a certain question."""

    deadly: Question

    def run(
        self,
        work: Callable[..., Any],
        items: Sequence[Sequence[Question]],
        *,
        died: Callable[..., Any],
        **_: Any,
    ) -> Iterator[Any]:
        return (died(item) if self.deadly in item else work(item) for item in items)


def test_a_pair_that_kills_the_worker_counts_as_strangers_until_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions = some_skies(tmp_path, 4)
    expected = answered(tmp_path, questions)
    (tmp_path / "compared.jsonl").unlink()
    deadly = next(one.question for one in expected if one.kind)
    with monkeypatch.context() as patch:
        patch.setattr(compared, "engine", Crashing(deadly))
        found = answered(tmp_path, questions)
    assert [one for one in found if one.kind] == []
    assert {one.question for one in found} == set(questions)
    assert len((tmp_path / "compared.jsonl").read_bytes().splitlines()) == len(questions) - 1
    assert answered(tmp_path, questions) == expected


@dataclass(frozen=True)
class Match:
    """As `verification.Match`."""

    agreement: float
    mirrored: bool = False
    scale: float = 0.8
    angle: float = 12.0
    inliers: int = 31

    @property
    def is_copy(self) -> bool:
        return self.agreement >= 0.9


@pytest.mark.parametrize(
    ("agreement", "kind"), [(0.95, EdgeKind.VERIFIED), (0.9, EdgeKind.VERIFIED), (0.6, EdgeKind.SAME_SKY)]
)
def test_local_features_are_asked_where_the_wholes_do_not_agree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, agreement: float, kind: EdgeKind
) -> None:
    asked = []

    def verify(first: tuple[bytes, bytes], second: tuple[bytes, bytes]) -> Match | None:
        asked.append((first[1], second[1]))
        return Match(agreement) if len(asked) == 1 else None

    module = ModuleType("verification")
    module.Seen = lambda *both: both  # type: ignore[attr-defined]
    module.verify = verify  # type: ignore[attr-defined]
    module.Seen = lambda *both: both  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "curation.duplicates.verification", module)
    wholes = some_skies(tmp_path, 4)
    for number in range(4):
        write_whole(Store(tmp_path / "features").path(sha(number)), b"features of " + sha(number).encode())
    questions = [one._replace(features=True) for one in wholes]
    found = answered(tmp_path, questions, features=True)
    assert [one.orientation for one in found if one.orientation] == [3]
    first, *others = [one for one in found if one.orientation is None]
    assert (first.kind, first.agreement, first.scale, first.angle) == (kind, agreement, 0.8, 12.0)
    assert (first.inliers, first.mirrored) == (31, False)
    assert all(one.kind is None for one in others)
    assert len(asked) == 5
    assert asked[0] == tuple(b"features of " + name.encode() for name in (first.first, first.second))
    assert answered(tmp_path, questions, features=True) == found
    assert len(asked) == 5


def alike(one: str, other: str) -> bool:
    """A rule that judges each pair by itself."""
    return hashlib.sha256(min(one, other).encode() + max(one, other).encode()).digest()[0] < 90


@given(runs=st.lists(st.sets(st.integers(0, 14)), min_size=1, max_size=6), torn=st.sampled_from([0, 1, 40]))
def test_candidates_of_new_files_and_old_ones_are_those_from_scratch(
    tmp_path_factory: pytest.TempPathFactory, runs: list[set[int]], torn: int
) -> None:
    folder = tmp_path_factory.mktemp("runs")
    seen: set[frozenset[str]] = set()
    grows = all(earlier <= later for earlier, later in itertools.pairwise(runs))
    for run in runs:
        files = sorted(map(sha, run))

        def retrieve(files: Sequence[str], fresh: Sequence[bool]) -> list[tuple[int, int]]:
            new = [
                (one, other)
                for other, one in itertools.combinations(range(len(files)), 2)
                if fresh[one] or fresh[other]
            ]
            held = {frozenset((files[one], files[other])) for one, other in new}
            assert not (grows and not torn and held & seen)
            seen.update(held)
            return [(one, other) for one, other in new if alike(files[one], files[other])]

        comparisons = opened(folder)
        found = comparisons.candidates(files, retrieve)
        comparisons.close()
        assert found == [pair for pair in itertools.combinations(files, 2) if alike(*pair)]
        journal = folder / "compared.jsonl"
        if torn and journal.exists():
            journal.write_bytes(journal.read_bytes()[:-torn])


def test_nothing_new_means_nothing_sought(tmp_path: Path) -> None:
    comparisons = opened(tmp_path)
    files = [sha(number) for number in range(6)]
    found = comparisons.candidates(files, lambda names, fresh: [(0, 1), (4, 5)] if all(fresh) else [])
    comparisons.close()
    before = (tmp_path / "compared.jsonl").read_bytes()
    again = opened(tmp_path)
    assert again.candidates(files, lambda names, fresh: pytest.fail("sought again")) == found
    fewer = sorted(files)[:5]
    assert again.candidates(fewer, lambda names, fresh: pytest.fail("sought again")) == found[:1]
    again.close()
    assert (tmp_path / "compared.jsonl").read_bytes() == before
