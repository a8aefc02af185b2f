"""The encoded squares of a dataset, each rendered once and kept under a hash of what it was made of."""

import hashlib
from collections.abc import Callable, Generator, Iterable, Sequence
from functools import partial
from pathlib import Path

from collectors.storage.stores import Store
from collectors.storage.workspace import Workspace
from curation import engine
from curation.dataset.columns import Row, Square
from curation.imaging import crop
from curation.imaging.crop import Box
from curation.imaging.examine import folders
from curation.outcome import Outcome
from curation.settings import CurateSettings

Render = Callable[[Path, Box, CurateSettings], bytes]


class Squares:
    """The store `squares/` of a workspace, as rows of a dataset need it."""

    def __init__(self, workspace: Workspace, settings: CurateSettings, render: Render) -> None:
        self._originals = workspace.originals
        self._store = folders(workspace).squares
        self._is_shared = workspace.elsewhere is not None
        self._settings = settings
        self._render = render

    def rows(self, kept: Sequence[Outcome], workers: int) -> Generator[Row]:
        """Every kept image with its square, in order; only squares that are not there yet are rendered."""
        keys = [crop.square_key(*_job(outcome), self._settings) for outcome in kept]
        jobs = {key: job for key, job in zip(keys, map(_job, kept), strict=True) if key not in self._store}
        render = partial(_render, self._render, self._settings, self._originals)
        rendered = engine.run(render, list(jobs.values()), workers=min(workers, len(jobs)))
        for key, outcome in zip(keys, kept, strict=True):
            if jobs.pop(key, None):
                data = next(rendered)
                self._store.put(key, data)
            else:
                data = self._store.read(key)
            assert outcome.judged is not None  # it was kept, so it was examined
            yield Row(outcome.record, outcome.judged, _square(data, self._settings.format))

    def forget_others(self, everything: Iterable[Outcome]) -> None:
        """Remove squares of images that are gone or cut otherwise; a dropped copy may yet be wanted."""
        if self._is_shared:
            return  # another machine may want them
        wanted = {self._any_key(outcome) for outcome in everything}
        for name in self._store.names():
            if name not in wanted:
                self._store.drop(name)

    def _any_key(self, outcome: Outcome) -> str | None:
        file, judged = outcome.record.file, outcome.judged
        if not file or not judged or not judged.width or not judged.height:
            return None
        box = judged.box or crop.centre_box(judged.width, judged.height)
        return crop.square_key(file.sha256, box, self._settings)


def _job(outcome: Outcome) -> tuple[str, Box]:
    """The original's SHA-256, and the part of it that is wanted."""
    file, judged = outcome.record.file, outcome.judged
    assert file is not None and judged is not None and judged.box is not None  # noqa: PT018  (kept means all three)
    return file.sha256, judged.box


def _render(render: Render, settings: CurateSettings, originals: Store, job: tuple[str, Box]) -> bytes:
    sha256, box = job
    return render(originals.sound(sha256), box, settings)


def _square(data: bytes, suffix: str) -> Square:
    return Square(data, hashlib.sha256(data).hexdigest(), suffix)
