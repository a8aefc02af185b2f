"""Words for failures of a cluster, whatever works on it."""

from collectors.cluster import ClusterMissing, ClusterSmall, RayMissing
from collectors.web.workers import KeeperLost
from curation.engine.alike import FolderUnseen, WorkersDiffer
from universe_gan.shell.exits import Exit
from universe_gan.shell.failures.failure import Failure, Table
from universe_gan.training.cluster import ClusterLost

TABLE: Table = {
    RayMissing: lambda error: Failure(
        "--engine ray needs Ray, not installed here", "pip install 'universe-gan[cluster]'", Exit.INPUT
    ),
    ClusterMissing: lambda error: (
        Failure(
            f"no Ray cluster at {error.address}: {error.problem}",
            "see `ray status` there, correct --address (or RAY_ADDRESS), or leave it out to use this machine;"
            " a cluster with a token wants RAY_AUTH_MODE=token here too",
            Exit.INPUT,
        )
        if error.address
        else Failure(
            f"Ray does not start on this machine: {error.problem}",
            "run the same command when the machine is less busy; without --engine ray it needs no Ray",
            Exit.MACHINE,
        )
    ),
    ClusterSmall: lambda error: Failure(
        f"{error.wanted} workers are wanted, and the cluster has {error.there} {error.what}",
        f"--workers {max(error.there, 1)}, or join more machines with `ray start --address …`",
        Exit.INPUT,
    ),
    WorkersDiffer: lambda error: Failure(
        "\n  ".join(
            [
                f"{error.machine} has other software than this machine, and would give other results",
                *(f"{name}: {here} here, {there} there" for name, (here, there) in error.differences.items()),
            ]
        ),
        "install the same there (`pip freeze` here, `pip install -r` there, the same wheel of universe-gan)"
        " and restart its Ray; nothing was done there",
        Exit.INPUT,
    ),
    FolderUnseen: lambda error: Failure(
        f"{error.machine} does not see {error.folder}, where everything is read from and written to",
        "put it on a file system that every machine mounts at the same path (--data /shared/…), or begin"
        " anew with the files in a store that all reach (--store s3://…)",
        Exit.INPUT,
    ),
    KeeperLost: lambda error: Failure(
        "the process that keeps the pace of all hosts was lost, and nobody is asked without it",
        "run the same command again: it goes on where it stood",
        Exit.BUSY,
    ),
    ClusterLost: lambda error: Failure(
        f"the workers were started again and again, and lost each time\n{error.details.rstrip()}",
        "mend what the lines above name and run the same command: it goes on from the latest checkpoint",
        Exit.MACHINE,
    ),
}
