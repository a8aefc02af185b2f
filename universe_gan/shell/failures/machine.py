"""Words for failures of the machine: disks, folders in use, permissions."""

from collectors.storage.files import DiskFull
from collectors.storage.workspace import WorkspaceBusy, WorkspaceUnusable
from universe_gan.shell.exits import Exit
from universe_gan.shell.failures.failure import Failure, Table
from universe_gan.shell.output import OutputLost


def _not_writable(error: OSError) -> Failure:
    return Failure(
        f"{error.filename}: {error.strerror}", "change its permissions, or work in another folder", Exit.INPUT
    )


def _disk_full(error: DiskFull) -> Failure:
    needed = f", {error.needed / 1e9:.2f} GB are needed" if error.needed else ""
    return Failure(
        f"no space left at {error.path}: {error.free / 1e9:.2f} GB free{needed}",
        "free some space or move the workspace with --data, and run the same command again; nothing is lost",
        Exit.MACHINE,
    )


TABLE: Table = {
    WorkspaceUnusable: lambda error: Failure(
        f"{error.path} cannot be written: {error.problem}",
        "choose another folder with --data, or change its permissions",
        Exit.INPUT,
    ),
    WorkspaceBusy: lambda error: Failure(
        f"{error.path} is in use by {error.holder}",
        "wait until it ends, or give this command its own workspace with --data",
        Exit.BUSY,
    ),
    DiskFull: _disk_full,
    OutputLost: lambda error: Failure(
        f"what this command prints cannot be written: {error.problem}",
        "write it elsewhere and run the same command again; everything on disk is whole",
        Exit.MACHINE,
    ),
    PermissionError: _not_writable,
    NotADirectoryError: _not_writable,
    FileExistsError: _not_writable,
}
