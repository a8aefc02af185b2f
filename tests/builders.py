"""Records, verdicts and pictures made up for tests: each call says only what its test is about."""

import hashlib
import io
import random
from collections.abc import Iterable
from typing import Any

from PIL import Image, ImageDraw

from collectors import manifest as manifests
from collectors.manifest import Manifest
from collectors.record import Record, StoredFile, Verdict
from collectors.storage.stores import Store
from curation.judged import Judged

SA = {
    "expression": "CC-BY-SA-4.0",
    "chosen": "CC-BY-SA-4.0",
    "class": "sa",
    "attribution": True,
    "share_alike": True,
    "commercial": True,
    "derivatives": True,
    "confidence": "stated",
}
BY = SA | {"expression": "CC-BY-4.0", "chosen": "CC-BY-4.0", "class": "by", "share_alike": False}
ND = BY | {"expression": "CC-BY-ND-4.0", "chosen": "CC-BY-ND-4.0", "class": "nd", "derivatives": False}
NC = BY | {"expression": "CC-BY-NC-4.0", "chosen": "CC-BY-NC-4.0", "class": "nc", "commercial": False}
CC0 = BY | {"expression": "CC0-1.0", "chosen": "CC0-1.0", "class": "pd", "attribution": False}
NASA = CC0 | {
    "expression": "LicenseRef-PD-USGov-NASA",
    "chosen": "LicenseRef-PD-USGov-NASA",
    "confidence": "inferred",
}
UNKNOWN: dict[str, Any] = {}


def a_record(**changes: Any) -> Record:
    """A record as Commons would give it, with a file; `changes` that are dictionaries are merged in."""
    number = int(changes.pop("number", 1))
    defaults: dict[str, Any] = {
        "uid": f"commons:M{number}",
        "source": "commons",
        "subject": "nebula",
        "title": f"File:Nebula {number}.jpg",
        "page": f"https://commons.wikimedia.org/wiki/File:Nebula_{number}.jpg",
        "found_by": {"query": "Emission nebulae", "path": ("Emission nebulae", "Orion Nebula")},
        "original": {
            "url": f"https://upload.wikimedia.org/wikipedia/commons/a/ab/Nebula_{number}.jpg",
            "sha1": hashlib.sha1(str(number).encode()).hexdigest(),
            "bytes": 1000 + number,
            "width": 1600,
            "height": 1200,
            "mime": "image/jpeg",
            "taken": "2019-03-01",
        },
        "file": a_file(number),
        "creator": {"name": f"Ada Lane {number}", "url": "https://commons.wikimedia.org/wiki/User:Ada_Lane"},
        "credit_line": f"“Nebula {number}” by Ada Lane {number}, via Wikimedia Commons, CC BY-SA 4.0",
        "rights": SA,
        "evidence": (
            {
                "channel": "extmetadata",
                "field": "LicenseUrl",
                "value": "https://creativecommons.org/licenses/by-sa/4.0",
                "url": f"https://commons.wikimedia.org/wiki/File:Nebula_{number}.jpg",
                "at": "2026-11-02T10:00:00Z",
                "answer_sha256": hashlib.sha256(b"answer").hexdigest(),
            },
        ),
        "seen": {"first": "2026-11-02T10:00:00Z"},
    }
    for name, value in changes.items():
        known = defaults.get(name)
        whole = name == "rights" or not isinstance(known, dict) or not isinstance(value, dict)
        defaults[name] = value if whole else known | value
    return Record.model_validate(defaults)


def a_file(number: int, **changes: Any) -> dict[str, Any]:
    """The stored file of the record with this number, as a manifest tells; nothing lies on a disk."""
    sha256 = hashlib.sha256(f"file {number}".encode()).hexdigest()
    known = {"sha256": sha256, "bytes": 1000 + number, "mime": "image/jpeg", "width": 1600, "height": 1200}
    return known | changes


def a_judgement(record: Record, **changes: Any) -> Judged:
    """What curation says of a record: kept, cut to its middle, unless `changes` say otherwise."""
    defaults: dict[str, Any] = {
        "uid": record.uid,
        "verdict": Verdict(),
        "width": 1600,
        "height": 1200,
        "pixels_sha256": hashlib.sha256(record.uid.encode()).hexdigest(),
        "phash": hashlib.sha256(b"phash" + record.uid.encode()).hexdigest(),
        "box": (200, 0, 1400, 1200),
    }
    if "verdict" in changes and not Verdict.model_validate(changes["verdict"]).keep:
        defaults["box"] = None
    return Judged.model_validate(defaults | changes)


def a_manifest(records: Iterable[Record], **changes: Any) -> Manifest:
    """A sealed manifest over the records."""
    defaults: dict[str, Any] = {
        "name": "nebulae",
        "subject": "nebula",
        "recipe_sha256": hashlib.sha256(b"recipe").hexdigest(),
        "tool": "0.1.0",
        "skipped": {},
    }
    return manifests.seal(records, **(defaults | changes))


def a_nebula(seed: int, size: tuple[int, int] = (160, 120)) -> Image.Image:
    """A picture of stars over coloured clouds, another one for every seed."""
    dice = random.Random(seed)
    small = Image.new("RGB", (8, 6))
    for x in range(8):
        for y in range(6):
            glow = max(0.0, 1 - ((x - 3.5) ** 2 / 14 + (y - 2.5) ** 2 / 8)) * dice.uniform(0.3, 1)
            small.putpixel((x, y), tuple(int(glow * dice.uniform(40, 230)) for _ in range(3)))
    picture = small.resize(size, Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(picture)
    for _ in range(size[0] * size[1] // 240):
        x, y, light = dice.randrange(size[0]), dice.randrange(size[1]), dice.randrange(90, 256)
        pen.point((x, y), fill=(light, light, min(255, light + 20)))
    return picture


def encoded(picture: Image.Image, format: str = "PNG") -> bytes:
    """The bytes of a file that holds the picture."""
    buffer = io.BytesIO()
    picture.save(buffer, format)
    return buffer.getvalue()


def stored(record: Record, store: Store, data: bytes, mime: str = "image/png") -> Record:
    """The record with `data` as its fetched file, which is put into the store."""
    size = Image.open(io.BytesIO(data)).size if mime.startswith("image/") else (None, None)
    file = StoredFile(sha256=store.add(data), bytes=len(data), mime=mime, width=size[0], height=size[1])
    return record.model_copy(update={"file": file})
