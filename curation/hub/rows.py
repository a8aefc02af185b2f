"""The rows of a published dataset, wherever it lies, without its pictures: only small columns are read."""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from curation.hub.problems import RepoMissing, RevisionMissing
from curation.hub.remote import Hub

CONVERTED = "refs/convert/parquet"
"""Where the Hub keeps its own conversion of datasets in other formats."""


GROUP_ROWS, GROUP_BYTES = 2**22, 2**30
"""What a row group may hold, pictures aside; writers make groups of a few thousand rows."""


class NotReadable(Exception):
    """A place without rows that can be read, and why."""

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(f"{where}: {problem}")
        self.where, self.problem = where, problem


@dataclass(frozen=True)
class Place:
    """A dataset that can be read file by file."""

    where: str
    """As the user wrote it."""
    revision: str | None
    """The commit; `None` anywhere but on the Hub."""
    files: Mapping[str, int]
    """Paths with their bytes."""
    open: Callable[[str], IO[bytes]]
    """A file that can be sought in; each read is a request where it lies far away."""
    endpoint: str | None = None
    """The address of the Hub; `None` anywhere else."""
    far: bool = False
    """Whether each read is a request to another machine."""

    def text(self, path: str, most: int = 2**26) -> str | None:
        """A small file whole; `None`: it is not there. Raises `NotReadable` beyond `most` bytes."""
        if path not in self.files:
            return None
        if self.files[path] > most:
            raise NotReadable(self.where, f"{path} holds {self.files[path] / 1e6:,.0f} MB")
        with self.open(path) as file:
            return file.read(most + 1)[:most].decode("utf-8", errors="replace")


@dataclass(frozen=True)
class Group:
    """Rows of one row group of one file."""

    path: str
    table: pa.Table


def folder(path: Path) -> Place:
    """A dataset on this disk; links that lead out of it are left out. Raises `NotReadable`."""
    if not path.is_dir():
        raise NotReadable(str(path), "there is no such folder")
    files = {
        found.relative_to(path).as_posix(): found.stat().st_size
        for found in sorted(path.rglob("*"))
        if found.is_file() and found.resolve().is_relative_to(path.resolve())
    }
    return Place(str(path), None, files, lambda name: (path / name).open("rb"))


def published(hub: Hub, repo: str, revision: str | None = None) -> Place:
    """A dataset on the Hub at one commit. Raises as `Hub.standing`."""
    standing = hub.standing(repo, revision)
    files = {path: file.bytes for path, file in standing.files.items()}
    where = f"hf://datasets/{repo}" + (f"@{revision}" if revision else "")
    if not any(path.endswith(".parquet") for path in files):
        try:
            converted = hub.standing(repo, CONVERTED)
        except (RevisionMissing, RepoMissing):
            pass
        else:
            standing, files = converted, {path: file.bytes for path, file in converted.files.items()}
    opener = _opener(hub, repo, standing.revision)
    return Place(where, standing.revision, files, opener, hub.endpoint, far=True)


def _opener(hub: Hub, repo: str, revision: str) -> Callable[[str], IO[bytes]]:
    system = hub.filesystem()

    def open_(path: str) -> IO[bytes]:
        file: IO[bytes] = system.open(f"datasets/{repo}@{revision}/{path}", "rb", cache_type="none")
        return file

    return open_


def shards(place: Place) -> list[str]:
    """The Parquet files whose rows count: of a dataset of ours those without pixels.

    Raises:
        NotReadable: there is none.
    """
    found = sorted(path for path in place.files if path.endswith(".parquet"))
    ours = any(path.startswith("manifest/") for path in place.files)
    slim = [path for path in found if ours and path.startswith(("metadata/", "references/"))]
    if not found:
        kinds = sorted({Path(path).suffix for path in place.files if Path(path).suffix})
        some = ", ".join(kinds[:5]) + (f" and {len(kinds) - 5} more kinds" if len(kinds) > 5 else "")
        raise NotReadable(place.where, f"it holds no Parquet file, only {some or 'nothing'}")
    return slim if any(path.startswith("metadata/") for path in slim) else found


def generated_shards(place: Place) -> list[str]:
    """The Parquet files of the configuration `synthetic` in a dataset of ours; none is no failure."""
    if not any(path.startswith("manifest/") for path in place.files):
        return []
    return sorted(path for path in place.files if path.startswith("synthetic/") and path.endswith(".parquet"))


def generated(place: Place) -> int:
    """Rows of the configuration `synthetic` in a dataset of ours. Raises as `groups`."""
    count = 0
    for path in generated_shards(place):
        try:
            with place.open(path) as file, pq.ParquetFile(_buffered(place, file, path)) as parquet:
                count += parquet.metadata.num_rows
        except pa.ArrowInvalid as error:
            raise NotReadable(place.where, f"{path}: {error}") from error
    return count


def groups(
    place: Place,
    columns: Callable[[pa.Schema], list[str]] | None = None,
    of: Callable[[Place], list[str]] = shards,
) -> Iterator[Group]:
    """Every row group of every shard, its small columns or those that `columns` picks; pictures stay away.

    `of` picks the shards: those of real pictures, or `generated_shards`.

    Raises:
        NotReadable: a file is no Parquet file.
        HubProblem: on the way, where it lies on the Hub.
    """
    for path in of(place):
        try:
            with (
                place.open(path) as file,
                pq.ParquetFile(_buffered(place, file, path), pre_buffer=True) as parquet,
            ):
                wanted = (columns or small)(parquet.schema_arrow)
                for number in range(parquet.num_row_groups):
                    _demand_small(place, path, parquet.metadata.row_group(number), wanted)
                    yield Group(path, parquet.read_row_group(number, columns=wanted))
        except pa.ArrowInvalid as error:
            raise NotReadable(place.where, f"{path}: {error}") from error


def _demand_small(place: Place, path: str, group: pq.RowGroupMetaData, wanted: Sequence[str]) -> None:
    """Raises `NotReadable` where a row group of a stranger would fill the memory."""
    columns = [group.column(number) for number in range(group.num_columns)]
    size = sum(
        one.total_uncompressed_size for one in columns if one.path_in_schema.partition(".")[0] in wanted
    )
    if group.num_rows > GROUP_ROWS or size > GROUP_BYTES:
        held = f"a row group of {group.num_rows:,} rows and {size / 1e6:,.0f} MB without its pictures"
        raise NotReadable(place.where, f"{path} has {held}")


def _buffered(place: Place, file: IO[bytes], path: str) -> Any:
    """A file of another machine that is small is fetched in one go."""
    if place.far and place.files[path] <= 2**17:
        return io.BytesIO(file.read())
    return file


def small(schema: pa.Schema) -> list[str]:
    """The columns that hold words and numbers, no files."""
    return [field.name for field in schema if not _heavy(field.type)]


def _heavy(kind: pa.DataType) -> bool:
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return True
    if pa.types.is_struct(kind):
        return any(_heavy(field.type) for field in kind)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return not pa.types.is_string(kind.value_type) or _heavy(kind.value_type)
    return False


def parse(address: str) -> tuple[str, str | None] | None:
    """`hf://datasets/user/name@revision` → repository and revision; `None`: it is no such address.

    >>> parse("hf://datasets/ada/nebulae@v1")
    ('ada/nebulae', 'v1')
    """
    rest = address.removeprefix("hf://datasets/")
    if rest == address:
        return None
    name, _, revision = rest.strip("/").partition("@")
    return (name, revision or None) if name.count("/") == 1 and all(name.split("/")) else None
