"""Which pictures a Hub id, a build or a folder holds that may be trained on, and where each lies."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from collectors.formats import FORMATS
from collectors.progress import Progress
from curation.imaging.pixels import DAMAGED
from universe_gan import downloads
from universe_gan.data import generated

SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".avif", ".jp2", ".ppm"}
)
FORBIDDEN = frozenset({"unknown", "closed"})
"""Licence classes on which nothing may be trained (`curation.policy`), should a set hold them."""
ABOUT = ("uid", "image_sha256", "license", "license_class", "ai_opted_out")
"""Columns that are read before any picture is, where a dataset has them."""
SHEET = "a sheet of generated pictures"
HELD_OUT = "a model drew it, and real ones alone are held out"
TOO_MANY = "a model drew it, and [train] synthetic allows no more beside the real ones"
"""Why generated files of a folder are refused, in `Origin.refused`."""
Split = Literal["train", "test"]


class NoPictures(Exception):
    """A place that holds no picture to train on."""

    def __init__(self, source: str, problem: str) -> None:
        super().__init__(f"{source}: {problem}")
        self.source, self.problem = source, problem


@dataclass(frozen=True)
class Row:
    """One picture that will be decoded, and where it is."""

    name: str
    digest: str
    """SHA-256 of its bytes."""
    split: Split
    path: Path
    """The Parquet file, or the picture itself."""
    place: tuple[int, int] | None = None
    """Row group and row in it; `None`: the file is the picture."""
    licence: str | None = None
    generation: int | None = None
    """Of the generator that made it; `None`: it is real."""
    rank: int = 0
    """Its place among those made by generators, the best first."""


def located(source: str, revision: str | None, progress: Progress) -> tuple[Path, str | None]:
    """The folder with the pictures, and the commit where it came from the Hub.

    Raises:
        NoPictures: there is no such folder, and it is no name of a dataset on the Hub.
        HubProblem: as `downloads.snapshot`.
    """
    if Path(source).is_dir():
        return Path(source), None
    name, _, at = source.removeprefix("hf://datasets/").partition("@")
    if name.count("/") != 1:
        raise NoPictures(source, "there is no such folder, and a dataset on the Hub is called user/name")
    return _from_hub(name, revision or at or None, progress)


def _from_hub(name: str, revision: str | None, progress: Progress) -> tuple[Path, str]:
    """The files of one commit: from the Hub or, where nobody answers, as an earlier download left them."""
    return downloads.snapshot("dataset", name, revision, ("data/*", "*.parquet"), progress.note)


def rows_of(folder: Path, refused: Counter[str]) -> Iterator[Row]:
    """Every picture that may be trained on, in a fixed order; of a folder, generated ones among them.

    What may not is counted in `refused`, by reason. Raises `NoPictures` where a table has no pictures.
    """
    tables = sorted((folder / "data").glob("*.parquet")) or sorted(folder.glob("*.parquet"))
    if tables:
        for path in tables:
            yield from _table_rows(path, refused)
        return
    yield from _file_rows(folder, refused)


def _file_rows(folder: Path, refused: Counter[str]) -> Iterator[Row]:
    """The pictures of a folder; generated ones say of which generation, and are never held out."""
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    lines = {place: generated.lines_of(place) for place in {path.parent for path in files}}
    for path in files:
        name = path.relative_to(folder)
        split: Split = "test" if "test" in name.parts[:-1] else "train"
        data = path.read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        said = generated.said_of(lines[path.parent].get(path.name), data, digest)
        if said is None:
            yield Row(name.as_posix(), digest, split, path)
        elif "seeds" in said:
            refused[SHEET] += 1
        elif split == "test":
            refused[HELD_OUT] += 1
        else:
            age, rank = generated.generation_of(said), generated.rank_of(said)
            yield Row(name.as_posix(), digest, split, path, generation=age, rank=rank)


def _table_rows(path: Path, refused: Counter[str]) -> Iterator[Row]:
    table = pq.ParquetFile(path)
    split: Split = "test" if path.name.startswith(("test", "validation")) else "train"
    about = [name for name in ABOUT if name in table.schema_arrow.names]
    image = "" if "image_sha256" in about else image_column(table.schema_arrow)
    for group in range(table.num_row_groups):
        columns = [*about, image] if image else about
        for number, row in enumerate(table.read_row_group(group, columns=columns).to_pylist()):
            if reason := _forbidden(row):
                refused[reason] += 1
                continue
            licence = str(row["license"]) if "license" in row else None
            digest = row.get("image_sha256") or hashlib.sha256(row[image]["bytes"]).hexdigest()
            name = str(row.get("uid") or f"{path.stem}:{group}:{number}")
            yield Row(name, str(digest), split, path, (group, number), licence)


def made_rows(folder: Path) -> Iterator[Row]:
    """The pictures of the configuration `synthetic`, which generators made and somebody accepted."""
    for path in sorted((folder / "synthetic").glob("*.parquet")):
        table = pq.ParquetFile(path)
        for group in range(table.num_row_groups):
            columns = ["uid", "image_sha256", "generation", "rank"]
            for number, row in enumerate(table.read_row_group(group, columns=columns).to_pylist()):
                yield Row(
                    row["uid"],
                    row["image_sha256"],
                    "train",
                    path,
                    (group, number),
                    generation=row["generation"],
                    rank=row["rank"],
                )


def the_best(made: Sequence[Row], reals: int, share: float) -> list[Row]:
    """The best generated pictures, as they lie: beside `reals` real ones at most a `share` of all."""
    most = int(reals * share / (1 - share) + 1e-9)
    best = set(sorted(made, key=lambda row: (row.rank, row.digest))[:most])
    return [row for row in made if row in best]


def _forbidden(row: Mapping[str, Any]) -> str | None:
    """Why this row may not be trained on."""
    if row.get("ai_opted_out"):
        return "its author opted out of use by AI"
    if row.get("license_class") in FORBIDDEN:
        return f"its licence is {row['license_class']}"
    return None


def image_column(schema: pa.Schema) -> str:
    """The column with pictures: a struct of bytes and path, as `datasets` writes it. Raises `NoPictures`."""
    found = [
        field.name
        for field in schema
        if pa.types.is_struct(field.type) and field.type.get_field_index("bytes") >= 0
    ]
    if not found:
        raise NoPictures(", ".join(schema.names), "no column holds pictures")
    return str(found[0])


def why_none(refused: Counter[str]) -> str:
    """Why no picture is left, in words: `refused` counts the rows by reason."""
    if refused:
        return "every row is refused: " + ", ".join(
            f"{count} because {why}" for why, count in refused.items()
        )
    return "no picture in it"


def encoded(rows: Sequence[Row]) -> Iterator[bytes | None]:
    """The bytes of each picture; `None`: it is a file of its own."""
    if rows[0].place is None:
        yield from (None for _ in rows)
        return
    table = pq.ParquetFile(rows[0].path)
    column = image_column(table.schema_arrow)
    group = table.read_row_group(rows[0].place[0], columns=[column]).column(0)
    for row in rows:
        assert row.place is not None
        yield group[row.place[1]]["bytes"].as_py()


def natural_side_of(rows: Iterable[Row]) -> int:
    """The largest power of two from 32 to 1,024 that the first picture needs no enlarging for, or 32."""
    for row in rows:
        data = next(iter(encoded([row])))
        with (
            suppress(*DAMAGED, Image.DecompressionBombError),  # told when it is decoded
            Image.open(row.path if data is None else BytesIO(data), formats=FORMATS) as opened,
        ):
            return min(1024, max(32, 1 << (min(opened.size).bit_length() - 1)))
    return 32
