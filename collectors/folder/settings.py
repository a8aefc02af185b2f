"""What a recipe may say about a folder: `[collect.folder]`."""

from pydantic import Field

from collectors.frozen import SourceSettings

EMBEDDED = "embedded"
"""The `sidecar` setting that means: read the files themselves."""


class FolderSettings(SourceSettings):
    """`[collect.folder]`: which folder, and which file says whose pictures these are."""

    path: str = Field(min_length=1)
    """Folder with the pictures, subfolders included; relative to the recipe."""
    sidecar: str = Field(default="credits.jsonl", min_length=1)
    """JSON lines or a CSV table, a picture each, relative to the recipe (see `sidecar.Credit`); or
    `embedded`: the XMP, IPTC and EXIF fields of the files themselves."""
