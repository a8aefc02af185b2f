"""Curation on the 555 deep-sky pictures of Debian's stellarium-data: 99 % are kept, and copies are found."""

import hashlib
import io
import random
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import stellarium
from builders import a_record
from PIL import Image, ImageEnhance, ImageOps

from collectors import manifest as manifests
from collectors.record import Reason
from collectors.storage.workspace import Workspace
from curation.curate import curate
from curation.judged import Judged
from curation.settings import CurateSettings, PolicySettings

SETTINGS = CurateSettings(size=64, min_side=64)


@pytest.fixture(scope="module")
def pictures() -> list[Path]:
    return stellarium.nebulae()


def judged(files: Mapping[str, bytes], folder: Path) -> dict[str, Judged]:
    """Curate files under the names given; bigger numbers stand for later uids."""
    workspace = Workspace(folder)
    records = []
    for name, data in files.items():
        sha256 = workspace.originals.add(data)
        file = {"sha256": sha256, "bytes": len(data), "mime": "image/png", "width": None, "height": None}
        sha1 = hashlib.sha1(data).hexdigest()
        records.append(a_record(uid=f"folder:{name}", file=file, original={"sha1": sha1}))
    manifest = manifests.seal(records, name="sky", subject="sky", recipe_sha256="", tool="", skipped={})
    verdicts = curate(manifest, workspace, PolicySettings(), SETTINGS, workers=2)
    return {one.uid.removeprefix("folder:"): one for one in verdicts}


def test_of_a_hundred_real_pictures_at_most_one_is_lost(pictures: list[Path], tmp_path: Path) -> None:
    found = judged({path.name: path.read_bytes() for path in pictures}, tmp_path)
    lost = {name: one.verdict for name, one in found.items() if not one.verdict.keep}
    too_small = {name for name, verdict in lost.items() if verdict.reason is Reason.TOO_SMALL}
    others = {name: verdict for name, verdict in lost.items() if name not in too_small}
    assert len(others) <= 5, others  # 1 % of 539
    assert not {verdict.reason for verdict in others.values()} & {Reason.BLANK, Reason.DUPLICATE}
    assert len(found) - len(too_small) >= 539


def encoded(image: Image.Image, format: str = "PNG", **options: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


COPIES: Mapping[str, Callable[[Image.Image], bytes]] = {
    "encoded again": lambda image: encoded(image, "JPEG", quality=50),
    "half as large": lambda image: encoded(image.resize((image.width // 2, image.height // 2))),
    "gray": lambda image: encoded(image.convert("L")),
    "darker": lambda image: encoded(image.point(lambda value: int(255 * (value / 255) ** 1.6))),
    "less colourful": lambda image: encoded(ImageEnhance.Color(image).enhance(0.4)),
    "turned left": lambda image: encoded(image.transpose(Image.Transpose.ROTATE_90)),
    "turned round": lambda image: encoded(image.transpose(Image.Transpose.ROTATE_180)),
    "turned right": lambda image: encoded(image.transpose(Image.Transpose.ROTATE_270), "JPEG", quality=80),
    "mirrored": lambda image: encoded(ImageOps.mirror(image)),
    "upside down and smaller": lambda image: encoded(ImageOps.flip(image).resize((200, 200))),
}


def test_copies_of_real_pictures_are_found_beside_their_original(
    pictures: list[Path], tmp_path: Path
) -> None:
    chosen = random.Random(3).sample(pictures, 24)
    files: dict[str, bytes] = {}
    for path in chosen:
        with Image.open(path) as opened:
            image = opened.convert("RGB")
        files[path.name] = path.read_bytes()
        files |= {f"{path.name}~{kind.replace(' ', '-')}": make(image) for kind, make in COPIES.items()}
    found = judged(files, tmp_path)
    strangers = {
        name: one.verdict.twin
        for name, one in found.items()
        if one.verdict.twin and one.verdict.twin.split("~")[0] != f"folder:{name.split('~')[0]}"
    }
    assert strangers == {}
    kept = {name for name, one in found.items() if one.verdict.keep}
    missed = {name for name in kept if len([k for k in kept if k.split("~")[0] == name.split("~")[0]]) > 1}
    assert len(missed) <= len(files) // 50, sorted(missed)
