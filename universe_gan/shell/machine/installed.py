"""Python, packages, the native codecs behind them, and the clock."""

import os
import platform
import time
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path

import universe_gan
from universe_gan.shell.machine.finding import Fact, Finding

CORE = (
    "requests",
    "mwclient",
    "pillow",
    "pyarrow",
    "datasets",
    "huggingface-hub",
    "pydantic",
    "numpy",
    "scipy",
)
EXTRAS = (
    "opencv-python-headless",
    "torch",
    "safetensors",
    "scikit-image",
    "pyvips",
    "sep",
    "matplotlib",
    "tensorboard",
    "trackio",
    "imageio-ffmpeg",
    "waitress",
    "ray",
    "fsspec",
    "s3fs",
)
"""Packages that a plain installation may do without; what they are for is said where it matters."""

CODECS = {
    "libjpeg_turbo": ("libjpeg-turbo", "JPEG"),
    "zlib": ("zlib", "PNG"),
    "webp": ("libwebp", "WebP"),
    "libtiff": ("libtiff", "TIFF"),
    "jpg_2000": ("OpenJPEG", "JPEG 2000"),
    "avif": ("libavif", "AVIF"),
    "littlecms2": ("Little CMS", "colour profiles"),
}
"""Pillow's name of a feature → the library, and what it reads."""

TOLERANCE = timedelta(minutes=5)
"""Clocks may differ so much: dates of evidence are no finer, and signed requests to S3 allow 15 minutes."""


def python() -> Finding:
    """The tool, the interpreter, the system."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    version = platform.python_version()
    system = f"{platform.system()} {platform.machine()}"
    return Finding(
        name="python",
        level="ok",
        what=f"universe-gan {universe_gan.__version__} on Python {version}, {system}, {cores} cores",
        facts={
            "tool": universe_gan.__version__,
            "python": version,
            "implementation": platform.python_implementation(),
            "system": system,
            "libc": " ".join(platform.libc_ver()).strip() or None,
            "cores": cores,
        },
    )


def packages() -> Finding:
    """What a plain installation brings."""
    found = {name: _version(name) for name in CORE}
    if missing := [name for name, version in found.items() if version is None]:
        return Finding(
            name="packages",
            level="bad",
            what=f"missing: {', '.join(missing)}",
            cure="pip install --upgrade universe-gan",
            facts=found,
        )
    words = ", ".join(f"{name} {version}" for name, version in found.items())
    return Finding(name="packages", level="ok", what=words, facts=found)


def extras() -> Finding:
    """What extras brought."""
    found = {name: _version(name) for name in EXTRAS}
    here = ", ".join(f"{name} {version}" for name, version in found.items() if version)
    return Finding(name="extras", level="ok", what=f"of extras: {here or 'nothing'}", facts=found)


def _version(name: str) -> Fact:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def codecs() -> Finding:
    """The libraries that decode pictures: two machines with other ones may see other pixels."""
    from PIL import features

    found: dict[str, Fact] = {
        library: features.version(name) or "?" if features.check(name) else None
        for name, (library, _) in CODECS.items()
    }
    lacking = [kind for library, kind in CODECS.values() if found[library] is None]
    found |= {"Arrow C++": _arrow(), "OpenCV": _opencv(), "libvips": _vips()}
    words = ", ".join(f"{library} {version}" for library, version in found.items() if version)
    if lacking:
        return Finding(
            name="codecs",
            level="note",
            what=f"Pillow was built without {', '.join(lacking)}: such images count as unreadable ({words})",
            cure="pip install --force-reinstall --only-binary :all: pillow",
            facts=found,
        )
    return Finding(name="codecs", level="ok", what=words, facts=found)


def _arrow() -> Fact:
    try:
        import pyarrow
    except ImportError:
        return None
    return str(pyarrow.cpp_version)


def _opencv() -> Fact:
    try:
        import cv2
    except ImportError:
        return None
    return str(cv2.__version__)


def _vips() -> Fact:
    try:
        import pyvips
    except (ImportError, OSError):
        return None
    return ".".join(str(pyvips.version(part)) for part in range(3))


def clock(theirs: datetime | None, now: datetime | None = None) -> Finding:
    """This machine's clock against a server's, where one was asked; else against the age of our own files."""
    ours = now or datetime.fromtimestamp(time.time(), UTC)
    shown = f"the clock says {ours:%Y-%m-%d %H:%M} UTC"
    cure = "set the clock (timedatectl set-ntp true): dates of evidence and manifests come from it"
    if theirs is not None:
        off = ours - theirs
        facts: dict[str, Fact] = {"compared": "server", "off_seconds": round(off.total_seconds())}
        if abs(off) > TOLERANCE:
            ahead = "ahead of" if off > timedelta() else "behind"
            minutes = abs(off) / timedelta(minutes=1)
            what = f"{shown}, {minutes:,.0f} minutes {ahead} the Hub's"
            return Finding(name="clock", level="note", what=what, cure=cure, facts=facts)
        return Finding(name="clock", level="ok", what=f"{shown}, and so does the Hub's", facts=facts)
    made = datetime.fromtimestamp(Path(universe_gan.__file__).stat().st_mtime, UTC)
    facts = {"compared": "installation", "off_seconds": None}
    if ours < made - timedelta(days=1):
        what = f"{shown}, and this tool was installed on {made:%Y-%m-%d}"
        return Finding(name="clock", level="note", what=what, cure=cure, facts=facts)
    return Finding(name="clock", level="ok", what=shown, facts=facts)
