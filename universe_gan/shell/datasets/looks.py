"""What is known of how pictures look, to know them again: squares, fingerprints, local features."""

from collections.abc import Callable

import pyarrow.parquet as pq
from pydantic import ValidationError

from collectors.record import Record
from collectors.storage.files import Journal
from collectors.storage.workspace import Workspace
from curation.imaging import features
from curation.imaging.examine import Examined, examine, folders
from universe_gan.shell.recipes.recipe import Recipe


def squares(workspace: Workspace) -> dict[str, str]:
    """SHA-256 of the pictures in the built dataset → uid."""
    found: dict[str, str] = {}
    for path in sorted((workspace.dataset / "data").glob("*.parquet")):
        table = pq.read_table(path, columns=["image_sha256", "uid"], partitioning=None)
        found.update(zip(*(table.column(name).to_pylist() for name in table.column_names), strict=True))
    return found


def look_at(
    recipe: Recipe, workspace: Workspace, *, anew: bool = True
) -> Callable[[Record], Examined | None]:
    """What is known of a picture's looks: from the journal, else measured `anew` if its file is here."""
    known = {}
    for line in Journal(workspace.examined).read():
        try:
            one = Examined.model_validate(line)
        except ValidationError:
            continue  # written by another version of this tool
        known[one.sha256] = one

    def look(record: Record) -> Examined | None:
        if record.file is None:
            return None
        sha256 = record.file.sha256
        if anew and sha256 not in known and sha256 in workspace.originals:
            known[sha256] = examine(
                workspace.originals.path(sha256), sha256, recipe.curate, folders(workspace)
            )
        return known.get(sha256)

    return look


def features_of(workspace: Workspace) -> Callable[[Record], bytes | None]:
    """Packed local features of a picture; `None`: no file, or no OpenCV to find them."""
    places = folders(workspace)

    def found(record: Record) -> bytes | None:
        if record.file is None:
            return None
        sha256 = record.file.sha256
        if sha256 in places.thumbnails and sha256 not in places.features and features.available():
            features.keep(sha256, places.thumbnails, places.features)
        return places.features.read(sha256) if sha256 in places.features else None

    return found
