"""How much of a dataset has to be sent to the Hub again when an image comes, goes, or gets another credit.

    python benchmarks/republish.py [--folder F] [--images N] [--size S] [--json F]

Builds a dataset of N real pictures, changes one thing, builds it again, and counts the bytes of the new
Parquet files that the Hub does not hold yet. The Hub cuts files into chunks where their content says so and
stores each chunk once; here the same is done twice: by `xet_chunks` below (the published parameters, another
table of random numbers), and by hf-xet itself, uploading into a folder, where that works.

Beside the shards as they are written stand others: with row groups of a fixed length, with pages that end by
content (what `datasets` writes), and with compressed pictures. The pictures are a folder of yours, else the
nebulae of an installed Stellarium, else the sample.
"""

import argparse
import hashlib
import json
import random
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from collectors import manifest as manifests
from collectors.record import Record, Verdict
from collectors.storage.workspace import Workspace
from curation.dataset import shards
from curation.dataset import write as dataset
from curation.imaging.crop import centre_box
from curation.judged import Judged
from curation.settings import CurateSettings, PolicySettings

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = (
    Path("/usr/share/stellarium/nebulae/default"),
    Path("/usr/local/share/stellarium/nebulae/default"),
    ROOT / "universe_gan" / "sample" / "images",
)
SMALLEST, TARGET, LARGEST = 8 * 2**10, 64 * 2**10, 128 * 2**10
"""Bytes of a chunk: https://huggingface.co/docs/xet/chunking"""
WINDOW = 64
"""Bytes that decide where a chunk ends: the hash shifts each out after 64 steps."""

BY_CONTENT = {"min_chunk_size": 256 * 1024, "max_chunk_size": 1024 * 1024, "norm_level": 0}
"""The settings of `datasets`."""
FIXED = shards.Grouping(ends_at=2**40, rows=64, bytes=2**30)


class Layout(NamedTuple):
    """How shards are written."""

    grouping: shards.Grouping = shards.PICTURES
    pages: bool | dict[str, int] = False
    compression: str = "none"


VARIANTS: Mapping[str, Layout] = {
    "as built": Layout(),
    "row groups of 64": Layout(grouping=FIXED),
    "pages by content": Layout(pages=BY_CONTENT),
    "row groups of 64, pages by content": Layout(grouping=FIXED, pages=BY_CONTENT),
    "row groups of 64, compressed": Layout(grouping=FIXED, compression="zstd"),
    "as above, pages by content": Layout(grouping=FIXED, pages=BY_CONTENT, compression="zstd"),
}


def main() -> None:
    """Measure, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        paths = pictures(asked.folder, asked.images)
        rows = measure(paths, Path(name), asked.size)
    print(f"{len(paths)} pictures at {asked.size} px\n")
    print(f"{'shards':<36}{'change':<16}{'total MB':>9}{'sent MB':>9}{'by hf-xet':>11}{'share':>8}")
    for row in rows:
        xet = f"{row['xet_sent'] / 1e6:.2f}" if row["xet_sent"] is not None else "-"
        print(
            f"{row['shards']:<36}{row['change']:<16}{row['total'] / 1e6:>9.2f}{row['sent'] / 1e6:>9.2f}"
            f"{xet:>11}{row['sent'] / row['total']:>8.1%}"
        )
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=2))


def pictures(folder: Path | None, most: int) -> list[Path]:
    """Whole files at least 128 pixels wide and high, the same ones on every run."""
    where = folder or next(one for one in FOLDERS if one.is_dir())
    found = [path for path in sorted(where.rglob("*")) if path.suffix.lower() in (".png", ".jpg", ".jpeg")]
    random.Random(5).shuffle(found)
    return sorted(islice((path for path in found if _fits(path)), most))


def measure(paths: Sequence[Path], scratch: Path, size: int) -> list[dict[str, object]]:
    """A row for every kind of shards and every change."""
    workspace = Workspace(scratch / "data")
    records = [_record(number, path, workspace) for number, path in enumerate(paths)]
    middle = len(records) // 2
    renamed = records[middle].model_copy(update={"credit_line": "somebody else, once more"})
    changes = {
        "one removed": [*records[:middle], *records[middle + 1 :]],
        "one added": records,
        "one credited": [*records[:middle], renamed, *records[middle + 1 :]],
    }
    rows = []
    for variant in VARIANTS:
        for change, after in changes.items():
            before = changes["one removed"] if change == "one added" else records
            old, new = (_built(one, workspace, size, variant) for one in (before, after))
            rows.append({"shards": variant, "change": change, **sent(old, new, scratch)})
    return rows


def sent(old: Sequence[bytes], new: Sequence[bytes], scratch: Path) -> dict[str, int | None]:
    """Bytes of the new files in all, and those in chunks that the old files do not have."""
    known = {hashlib.sha256(chunk).digest() for data in old for chunk in xet_chunks(data)}
    fresh = {hashlib.sha256(chunk).digest(): len(chunk) for data in new for chunk in xet_chunks(data)}
    return {
        "total": sum(map(len, new)),
        "sent": sum(length for chunk, length in fresh.items() if chunk not in known),
        "xet_sent": xet_sent(old, new, scratch),
    }


def xet_chunks(data: bytes) -> Iterator[memoryview]:
    """Cut bytes as hf-xet does: where, beyond `SMALLEST`, the rolling hash first has 16 zero bits."""
    table = np.random.default_rng(1).integers(0, 2**64, 256, dtype=np.uint64)
    hashes: NDArray[np.uint64] = table[np.frombuffer(data, np.uint8)]
    width = 1
    while width < WINDOW:  # each step doubles the bytes that a hash covers
        hashes[width:] += hashes[:-width] << np.uint64(width)
        width *= 2
    zeros = np.uint64((TARGET - 1) << (64 - (TARGET - 1).bit_length()))
    ends = np.flatnonzero((hashes & zeros) == 0) + 1
    start, view = 0, memoryview(data)
    while start < len(data):
        first = np.searchsorted(ends, start + SMALLEST)
        end = min(int(ends[first]) if first < len(ends) else len(data), start + LARGEST, len(data))
        yield view[start:end]
        start = end


def xet_sent(old: Sequence[bytes], new: Sequence[bytes], scratch: Path) -> int | None:
    """The same from hf-xet, storing into a folder; `None` where this version does not do that.

    `local://` is not documented. https://github.com/huggingface/xet-core
    """
    try:
        from hf_xet import XetSession
    except ImportError:
        return None
    with tempfile.TemporaryDirectory(dir=scratch) as store:
        counted = 0
        for files in (old, new):
            commit = XetSession().new_upload_commit(endpoint=f"local://{store}")
            for number, data in enumerate(files):
                path = Path(store) / f"{number}.bin"
                path.write_bytes(data)
                commit.start_upload_file(str(path))
            counted = commit.wait_to_finish().dedup_metrics.new_bytes
    return counted


def _built(records: Sequence[Record], workspace: Workspace, size: int, variant: str) -> list[bytes]:
    """The Parquet files of a dataset of these records."""
    kept = dataset.PICTURES, shards.CONTENT_PAGES, shards.PICTURE_COMPRESSION
    dataset.PICTURES, shards.CONTENT_PAGES, shards.PICTURE_COMPRESSION = VARIANTS[variant]
    try:
        manifest = manifests.seal(
            records, name="republish", subject="nebula", recipe_sha256="", tool="", skipped={}
        )
        judged = [_judged(record) for record in records]
        settings = CurateSettings(size=size, min_side=1)
        built = dataset.build(manifest, judged, workspace, settings, policy=PolicySettings())
    finally:
        dataset.PICTURES, shards.CONTENT_PAGES, shards.PICTURE_COMPRESSION = kept
    return [path.read_bytes() for path in sorted(built.path.rglob("*.parquet"))]


def _judged(record: Record) -> Judged:
    assert record.file is not None
    width, height = record.file.width or 0, record.file.height or 0
    return Judged(
        uid=record.uid, verdict=Verdict(), width=width, height=height, box=centre_box(width, height)
    )


def _record(number: int, path: Path, workspace: Workspace) -> Record:
    data = path.read_bytes()
    width, height = _size(path)
    name = f"{path.stem}-{number}"
    rights = {"expression": "CC-BY-4.0", "chosen": "CC-BY-4.0", "class": "by", "confidence": "stated"}
    grants = {"attribution": True, "share_alike": False, "commercial": True, "derivatives": True}
    page = f"https://example.org/{name}"
    return Record.model_validate(
        {
            "uid": f"folder:{hashlib.sha256(name.encode()).hexdigest()[:16]}",
            "source": "folder",
            "subject": "nebula",
            "title": name,
            "page": page,
            "found_by": {"query": "nebulae"},
            "original": {"url": page},
            "file": {
                "sha256": workspace.originals.add(data),
                "bytes": len(data),
                "mime": "image/png",
                "width": width,
                "height": height,
            },
            "creator": {"name": f"Maker of {name}"},
            "credit_line": f"“{name}” by Maker of {name}, CC BY 4.0",
            "rights": rights | grants,
            "evidence": [
                {"channel": "sidecar", "field": "licence", "value": f"CC-BY-4.0 {name}", "at": "2026-11-02"}
            ],
            "seen": {"first": "2026-11-02T10:00:00Z"},
        }
    )


def _fits(path: Path) -> bool:
    try:
        with Image.open(path) as image:
            image.load()
            return min(image.size) >= 128
    except OSError:  # the sample holds a damaged file
        return False


def _size(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


if __name__ == "__main__":
    main()
