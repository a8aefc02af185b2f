"""The encoded squares of a dataset, each rendered once and kept under a hash of what it was made of."""

import hashlib
from collections.abc import Callable, Generator, Iterable, Sequence
from functools import partial
from pathlib import Path

from collectors.workspace import Workspace, write_whole
from curation import crop, engine
from curation.columns import Row, Square
from curation.crop import Box
from curation.examine import folders
from curation.outcome import Outcome
from curation.settings import CurateSettings

Render = Callable[[Path, Box, CurateSettings], bytes]


class Squares:
    """The store `squares/` of a workspace, as rows of a dataset need it."""

    def __init__(self, workspace: Workspace, settings: CurateSettings, render: Render) -> None:
        self._originals = workspace.originals
        self._store = folders(workspace).squares
        self._settings = settings
        self._render = render

    def rows(self, kept: Sequence[Outcome], workers: int) -> Generator[Row]:
        """Every kept image with its square, in order; only squares that are not there yet are rendered."""
        keys = [self._key(outcome) for outcome in kept]
        jobs = {
            key: self._job(outcome) for key, outcome in zip(keys, kept, strict=True) if key not in self._store
        }
        render = partial(_render, self._render, self._settings)
        rendered = engine.run(render, list(jobs.values()), workers=min(workers, len(jobs)))
        for key, outcome in zip(keys, kept, strict=True):
            if jobs.pop(key, None):
                data = next(rendered)
                write_whole(self._store.path(key), data)
            else:
                data = self._store.read(key)
            assert outcome.judged is not None  # it was kept, so it was examined
            yield Row(outcome.record, outcome.judged, _square(data, self._settings.format))

    def forget_others(self, everything: Iterable[Outcome]) -> None:
        """Remove squares of images that are gone or cut otherwise; a dropped copy may yet be wanted."""
        wanted = {self._store.path(key) for outcome in everything if (key := self._any_key(outcome))}
        for found in self._store.root.rglob("*"):
            if found.is_file() and found not in wanted:
                found.unlink()

    def _any_key(self, outcome: Outcome) -> str | None:
        file, judged = outcome.record.file, outcome.judged
        if not file or not judged or not judged.width or not judged.height:
            return None
        box = judged.box or crop.centre_box(judged.width, judged.height)
        return crop.square_key(file.sha256, box, self._settings)

    def _key(self, outcome: Outcome) -> str:
        path, box = self._job(outcome)
        return crop.square_key(path.name, box, self._settings)

    def _job(self, outcome: Outcome) -> tuple[Path, Box]:
        file, judged = outcome.record.file, outcome.judged
        assert file is not None and judged is not None and judged.box is not None  # noqa: PT018  (kept means all three)
        return self._originals.path(file.sha256), judged.box


def _render(render: Render, settings: CurateSettings, job: tuple[Path, Box]) -> bytes:
    path, box = job
    return render(path, box, settings)


def _square(data: bytes, suffix: str) -> Square:
    return Square(data, hashlib.sha256(data).hexdigest(), suffix)
