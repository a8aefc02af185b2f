"""The `train` command as a job of Ray Train: every worker calls what a process of `torchrun` calls."""

import sys
from dataclasses import replace
from functools import partial
from importlib import util
from pathlib import Path
from typing import Any

from universe_gan.shell.exits import Exit
from universe_gan.shell.failures import explain
from universe_gan.shell.models import courses, needs, training
from universe_gan.shell.output import Output
from universe_gan.training import cluster


def train_on_cluster(
    output: Output, wanted: courses.Course, *, workers: int, address: str | None, runs: Path, **how: Any
) -> Exit:
    """`train` in every worker of a Ray cluster; raises what `cluster.run` raises."""
    if missing := [name for name in (*training.NEEDED, "ray") if util.find_spec(name) is None]:
        raise needs.PackagesMissing(missing)
    if Path(wanted.source).is_dir():
        wanted = replace(wanted, source=str(Path(wanted.source).resolve()))
    said = {"json": output.as_json, "quiet": output.quiet, "verbose": output.verbose}
    work = partial(_train_as_worker, said, wanted, {**how, "runs": runs.resolve()})
    job = cluster.Job(work, runs / "ray", workers, address, gpus=how["device"] != "cpu")
    output.say(f"{workers} workers of Ray{' at ' + address if address else ''}; Ctrl-C saves and stops")
    return Exit(cluster.run(job, sys.stdout, sys.stderr))


def _train_as_worker(
    said: dict[str, bool], wanted: courses.Course, how: dict[str, Any], attempt: cluster.Attempt
) -> int:
    """One worker's share. What we have words for becomes an exit code; all else is for Ray to try again."""
    output = Output(**said)
    try:
        return training.train(output, wanted, **how, attempt=attempt)
    except Exception as error:
        failure = explain(error)
        if failure is None:
            raise
        output.error(str(failure))
        return failure.code
