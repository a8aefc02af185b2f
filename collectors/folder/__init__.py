"""A folder of pictures on this disk, with a sidecar or with credits inside the files.

`search` walks it; `sidecar`, `sidecar_csv`, `embedded` and `xmp` read who made each picture, on what terms;
`lines` makes a record of that.
"""

from collectors.folder.lines import parse, uid
from collectors.folder.search import OutsideFolder, open_local, search
from collectors.folder.settings import FolderSettings
from collectors.folder.sidecar import SidecarBroken
from collectors.source import Source

__all__ = [
    "SOURCE",
    "FolderSettings",
    "OutsideFolder",
    "SidecarBroken",
    "open_local",
    "parse",
    "search",
    "uid",
]

SOURCE = Source(
    name="folder",
    title="a folder on this disk",
    settings=FolderSettings,
    search=search,
    parse=parse,
    terms="the sidecar states them picture by picture",
    open_local=open_local,
)
