"""Words for failures of a cluster, whatever works on it."""

from collectors.cluster import ClusterMissing, ClusterSmall, RayMissing
from universe_gan.shell.exits import Exit
from universe_gan.shell.failures.failure import Failure, Table
from universe_gan.training.cluster import ClusterLost

TABLE: Table = {
    RayMissing: lambda error: Failure(
        "--engine ray needs Ray, not installed here", "pip install 'universe-gan[cluster]'", Exit.INPUT
    ),
    ClusterMissing: lambda error: Failure(
        f"no Ray cluster at {error.address}: {error.problem}",
        "see `ray status` there, correct --address (or RAY_ADDRESS), or leave it out to use this machine",
        Exit.INPUT,
    ),
    ClusterSmall: lambda error: Failure(
        f"{error.wanted} workers are wanted, and the cluster has {error.there} {error.what}",
        f"--workers {max(error.there, 1)}, or join more machines with `ray start --address …`",
        Exit.INPUT,
    ),
    ClusterLost: lambda error: Failure(
        f"the workers were started again and again, and lost each time\n{error.details.rstrip()}",
        "mend what the lines above name and run the same command: it goes on from the latest checkpoint",
        Exit.MACHINE,
    ),
}
