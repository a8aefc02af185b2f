"""What became of the dataset that a run learned from: published since, or with pictures taken down since."""

from pathlib import Path
from typing import TYPE_CHECKING

from curation.hub import blocked
from curation.hub.problems import HubProblem
from universe_gan.shell.datasets.state import read_published
from universe_gan.shell.invocation import tool
from universe_gan.shell.output import Output
from universe_gan.shell.recipes import recipe, settled

if TYPE_CHECKING:
    from universe_gan.data import Origin
    from universe_gan.training.runs import Run


def recipe_of(run: "Run") -> Path | None:
    """The recipe whose dataset the run learned from, where it is here; of a dataset on the Hub, by name."""
    path = settled.behind(str(run.path)) or recipe.find(run.about.name)
    return path if path.is_file() else None


def origin(output: Output, run: "Run", path: Path | None) -> "Origin":
    """Where others find what the run learned from: a build of our own may have been published since.

    It has when the pictures of what the recipe at `path` published last have the fingerprint of the run's.
    """
    from universe_gan.data import fingerprint_of

    learned = run.about.origin
    note = read_published(path.with_name(f"{path.stem}.published.json")) if path else None
    if learned.revision is None and note and not note.get("pull_request"):
        repo, revision = str(note.get("repo")), str(note.get("revision"))
        share = run.about.settings.synthetic if learned.synthetic else 0.0
        try:
            same = fingerprint_of(repo, revision, synthetic=share, progress=output) == learned.fingerprint
        except HubProblem as problem:
            output.say(f"note: {repo} cannot be looked at: {problem.detail or 'it is not there'}")
            return learned
        if same:
            output.line(f"data      {repo}@{revision[:12]}, published since")
            return learned.model_copy(update={"source": repo, "revision": revision})
        output.say(f"note: what {repo} holds now is not what this run learned from")
    return learned


def warn_of_takedowns(output: Output, run: "Run", path: Path | None) -> list[str]:
    """Say which of the pictures it may have learned from were taken down since; their uids."""
    if path is None:
        return []
    entries = blocked.read(blocked.path_beside(path.with_suffix(".jsonl"))).entries
    gone = [one.uid for one in entries if one.uid and run.about.origin.fingerprint in one.learned]
    if gone:
        some = ", ".join(gone[:3]) + (f" and {len(gone) - 3:,} more" if len(gone) > 3 else "")
        output.say(f"warning: this model may have learned from what was taken down since: {some};")
        output.say(f"         `{tool()} train {path}` learns from what is left")
    return gone
