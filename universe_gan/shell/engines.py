"""Where a command's work on images is done: in processes of this machine, or on a Ray cluster.

How, not what: it stands in no recipe, and the dataset is the same byte for byte.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from collectors.storage.workspace import Workspace
from universe_gan.shell.output import Output, many


@dataclass(frozen=True)
class Engine:
    """What the user asked for."""

    ray: bool = False
    workers: int | None = None
    """`None`: one for each core, of this machine or of the cluster."""
    address: str | None = None
    """Of a running cluster; `None`: RAY_ADDRESS, else one of our own on this machine."""

    @contextmanager
    def at_work(self, output: Output, workspace: Workspace) -> Iterator[int]:
        """The number of workers to ask for; what they do reads and writes the files of `workspace`.

        Raises what `curation.engine.cluster.joined` does.
        """
        if not self.ray:
            yield self.workers or os.cpu_count() or 1
            return
        from curation.engine import cluster

        folders = [] if workspace.elsewhere else [workspace.root]
        with cluster.joined(self.address, self.workers, folders) as found:
            place = f"at {found.address}" if found.address else "on this machine"
            output.say(f"{many(found.workers, 'worker')} of Ray {place}")
            yield max(2, found.workers)  # one would mean this process

    def fetchers(self, workers: int) -> int | None:
        """How many of the workers fetch; `None`: threads of this process do, which wait most of the time."""
        return workers if self.ray else None


LOCAL = Engine()
