"""A folder of pictures on this disk, with a sidecar or with credits inside the files.

`source` walks it; `sidecar`, `sidecar_csv`, `embedded` and `xmp` read who made each picture, on what terms.
"""

from collectors.folder.source import SOURCE, FolderSettings, OutsideFolder, SidecarBroken

__all__ = ["SOURCE", "FolderSettings", "OutsideFolder", "SidecarBroken"]
