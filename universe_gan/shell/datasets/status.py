"""Where each stage of a recipe stands, and the command that comes next."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from collectors import manifest as manifests
from collectors.frozen import Frozen
from collectors.locked import departures
from collectors.manifest import Stream
from collectors.storage.files import Journal
from collectors.storage.workspace import Workspace
from curation.outcome import seen
from universe_gan.shell.datasets.state import STAGES, State, read_published
from universe_gan.shell.recipes.recipe import Recipe
from universe_gan.study import Ledger

Published = Mapping[str, Any]
"""What was noted when the dataset was published last."""


class StageStanding(Frozen):
    name: str
    stands: str
    """`done`, `not run`, `begun`, `waits` or `out of date`."""
    facts: str = ""


class Standing(Frozen):
    recipe: str
    stages: tuple[StageStanding, ...]
    next: str
    """The command to run now, without the name of the tool."""
    why: str
    """What it is good for, in a few words."""
    otherwise: str | None = None
    """The command for whoever passes over that one; `None`: it is not to be passed over."""


def recipes_here() -> list[Path]:
    """The recipes of this folder, `manifests/*.toml`, else those of the folders in it, as after `demo`."""
    return sorted(Path("manifests").glob("*.toml")) or sorted(Path().glob("*/manifests/*.toml"))


def standing(recipe: Recipe) -> Standing:
    """Compare the manifest, the recipe and the notes of finished stages. Raises as `manifest.read`."""
    workspace = Workspace(recipe.data)
    manifest = manifests.stream(recipe.manifest) if recipe.manifest.exists() else None
    root = manifest.header.root_sha256 if manifest else None
    notes = State(workspace).read()
    rows = [_collect(recipe, workspace, manifest)]
    rows += [_later(recipe, stage, notes.get(stage), root, workspace) for stage in STAGES[1:]]
    if rows[STAGES.index("curate")].stands == "done" and "review" in notes:
        rows.append(_review(notes["review"]))
    sent = read_published(recipe.published)
    if recipe.publish.repo or sent:
        rows.append(_publish(recipe, sent, root))
    rows += _studies(recipe)
    command, why, otherwise = _next(recipe, rows, sent, lost=bool(manifest and _lost(manifest, workspace)))
    return Standing(recipe=str(recipe.path), stages=tuple(rows), next=command, why=why, otherwise=otherwise)


def _next(
    recipe: Recipe, rows: Sequence[StageStanding], sent: Published | None, *, lost: bool
) -> tuple[str, str, str | None]:
    """The command to run, what it is good for, and the one for whoever passes over it."""
    todo = next((row.name for row in rows if row.stands != "done"), None)
    if todo in STAGES[1:] and lost:
        return f"collect {recipe.path} --locked", "files of the manifest are not here", None
    if todo in STAGES:
        return f"{todo} {recipe.path}", "", None
    study = next((row.name for row in rows if row.name.startswith("study") and row.stands != "done"), None)
    going_on = f"study {recipe.path}{' --toy' if study and study.endswith('-toy') else ''}"
    command, why = _after(recipe, next((row for row in rows if row.name == "publish"), None), sent)
    if todo == "review":
        return f"review {recipe.path}", "doubtful pictures wait", going_on if study else command
    if todo and todo == study:
        return going_on, "goes on where it was left", command
    return command, why, None


def _lost(manifest: Stream, workspace: Workspace) -> bool:
    """Whether files are missing here that the manifest names and the last rebuild did not give up."""
    wanted = departures.depart(manifest, departures.read(workspace, manifest)).records
    lost = sum(1 for one in wanted if one.file and one.file.sha256 not in workspace.originals)
    return lost > 0  # counted to the end, where the seal of the manifest shows


def _after(recipe: Recipe, published: StageStanding | None, sent: Published | None) -> tuple[str, str]:
    """The command for a finished build, and what it is good for."""
    if published and published.stands == "done":
        return f"verify {recipe.path}", "asks the sources what changed since"
    if published:
        where = "" if recipe.publish.repo or not sent else f" --repo {sent.get('repo')}"
        return f"publish {recipe.path}{where}", "--dry-run shows it first"
    if recipe.policy.purpose == "publish":
        return f"publish {recipe.path} --repo USER/NAME --dry-run", "all is built; this sends nothing yet"
    return f"train {recipe.path}", "all is built"


def _collect(recipe: Recipe, workspace: Workspace, manifest: Stream | None) -> StageStanding:
    if manifest is None:
        begun = sum(1 for line in Journal(workspace.journal).read() if "record" in line)
        stands = "begun" if begun else "not run"
        return StageStanding(
            name="collect", stands=stands, facts=f"{begun:,} images found so far" if begun else ""
        )
    header = manifest.header
    taken = f"{header.files:,} of {seen(header):,} images taken"
    facts = f"{taken}, {header.bytes / 1e6:,.1f} MB, root {header.root_sha256[:16]}…"
    stands = "done" if header.recipe_sha256 == recipe.plan.recipe_sha256 else "out of date"
    return StageStanding(name="collect", stands=stands, facts=facts)


def _later(
    recipe: Recipe, stage: str, note: dict[str, object] | None, root: str | None, workspace: Workspace
) -> StageStanding:
    made = {"audit": workspace.audit, "curate": workspace.dataset, "report": workspace.report}[stage]
    if note is None or not made.exists():
        return StageStanding(name=stage, stands="not run")
    counts = ", ".join(f"{value:,} {key}" for key, value in note.items() if isinstance(value, int))
    facts = str(note.get("account", counts))
    current = (note.get("root"), note.get("settings")) == (root, recipe.made_with(stage))
    return StageStanding(name=stage, stands="done" if current else "out of date", facts=facts)


def _review(note: dict[str, Any]) -> StageStanding:
    """Whether doubtful pictures wait; those that are screened out beyond doubt ask for nobody."""
    doubtful, screened = note.get("doubtful", 0), note.get("screened", 0)
    parts = [f"{doubtful:,} doubtful"] * bool(doubtful) + [f"{screened:,} screened out"] * bool(screened)
    return StageStanding(
        name="review", stands="waits" if doubtful else "done", facts=", ".join(parts) or "nothing to look at"
    )


def _publish(recipe: Recipe, sent: Published | None, root: str | None) -> StageStanding:
    """What was published last; the Hub itself is not asked."""
    if sent is None:
        return StageStanding(name="publish", stands="not run", facts=recipe.publish.repo or "")
    current = (sent.get("root"), sent.get("settings")) == (root, recipe.made_with("curate"))
    where = f"{sent.get('repo')} at {sent.get('tag') or str(sent.get('revision'))[:12]}"
    waits = f", waits in {sent['pull_request']}" if sent.get("pull_request") else ""
    return StageStanding(name="publish", stands="done" if current else "out of date", facts=f"{where}{waits}")


def _studies(recipe: Recipe) -> list[StageStanding]:
    """The studies of this recipe that were begun, beside its `data/` or here; a toy is one of its own."""
    found = []
    for name in (recipe.name, f"{recipe.name}-toy"):
        places = (root / "studies" / name for root in (recipe.data.parents[1], Path()))
        folder = next((place for place in places if (place / "study.json").is_file()), None)
        if folder is None:
            continue
        notes = Ledger(folder, toy=False).notes()
        done = [step for step, note in notes.items() if note.get("made")]
        whole = "compare" in done and len(done) == len(notes)
        facts = f"{len(done):,} steps done, {folder}"
        found.append(StageStanding(name=f"study {name}", stands="done" if whole else "begun", facts=facts))
    return found
