"""Films from seed to seed: GIF, WebP and animated PNG by Pillow, MP4 where imageio-ffmpeg is."""

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

ENDINGS = (".gif", ".webp", ".png", ".mp4")


class FilmWrong(Exception):
    """A film that cannot be made of this, or not here."""

    def __init__(self, path: Path, problem: str, fix: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path, self.problem, self.fix = path, problem, fix


def check(path: Path) -> None:
    """Raise `FilmWrong` where no film of this name can be written, before anything is drawn."""
    if path.suffix.lower() not in ENDINGS:
        raise FilmWrong(path, "no kind of film we write", f"name it {', '.join(ENDINGS)}")
    if path.suffix.lower() == ".mp4":
        try:
            import imageio_ffmpeg  # noqa: F401
        except ImportError:
            fix = "pip install 'universe-gan[film]', or name it .webp"
            raise FilmWrong(path, "MP4 needs imageio-ffmpeg, not installed here", fix) from None


def write(path: Path, frames: Iterable[NDArray[np.uint8]], fps: float) -> None:
    """Write frames (side, side, 3) as a film that loops, whole or not at all. Raises `FilmWrong`."""
    check(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.stem}.part{path.suffix}")
    try:
        if path.suffix.lower() == ".mp4":
            _mp4(part, iter(frames), fps)
        else:
            images = (Image.fromarray(frame) for frame in frames)
            first = next(images)
            first.save(part, save_all=True, append_images=list(images), duration=round(1000 / fps), loop=0)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _mp4(path: Path, frames: Iterator[NDArray[np.uint8]], fps: float) -> None:
    import imageio_ffmpeg

    first = next(frames)
    writer = imageio_ffmpeg.write_frames(
        str(path), (first.shape[1], first.shape[0]), fps=fps, macro_block_size=2, ffmpeg_log_level="error"
    )
    writer.send(None)
    try:
        for frame in chain([first], frames):
            writer.send(np.ascontiguousarray(frame))
    finally:
        writer.close()
