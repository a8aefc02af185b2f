"""Where each stage of a recipe stands, and the command that comes next."""

from collectors import manifest as manifests
from collectors.frozen import Frozen
from collectors.workspace import Journal, Workspace
from universe_gan.shell.recipe import Recipe
from universe_gan.shell.state import STAGES, State


class StageStanding(Frozen):
    name: str
    stands: str
    """`done`, `not run`, `begun` or `out of date`."""
    facts: str = ""


class Standing(Frozen):
    recipe: str
    stages: tuple[StageStanding, ...]
    next: str | None
    """The command to run now, without the name of the tool; `None` when all is up to date."""


def standing(recipe: Recipe) -> Standing:
    """Compare the manifest, the recipe and the notes of finished stages. Raises as `manifest.read`."""
    workspace = Workspace(recipe.data)
    rows = [_collect(recipe, workspace)]
    root = None
    if recipe.manifest.exists():
        root = manifests.read(recipe.manifest).header.root_sha256
    notes = State(workspace).read()
    rows += [_later(recipe, stage, notes.get(stage), root, workspace) for stage in STAGES[1:]]
    if recipe.publish.repo or "publish" in notes:
        rows.append(_publish(recipe, notes.get("publish"), notes.get("curate")))
    todo = next((row.name for row in rows if row.stands != "done"), None)
    command = f"{todo} {recipe.path}" if todo else None
    return Standing(recipe=str(recipe.path), stages=tuple(rows), next=command)


def _collect(recipe: Recipe, workspace: Workspace) -> StageStanding:
    if not recipe.manifest.exists():
        begun = sum(1 for line in Journal(workspace.journal).read() if "record" in line)
        stands = "begun" if begun else "not run"
        return StageStanding(
            name="collect", stands=stands, facts=f"{begun:,} images found so far" if begun else ""
        )
    header = manifests.read(recipe.manifest).header
    facts = f"{header.files:,} files, {header.bytes / 1e6:,.1f} MB, root {header.root_sha256[:16]}…"
    stands = "done" if header.recipe_sha256 == recipe.plan.recipe_sha256 else "out of date"
    return StageStanding(name="collect", stands=stands, facts=facts)


def _later(
    recipe: Recipe, stage: str, note: dict[str, object] | None, root: str | None, workspace: Workspace
) -> StageStanding:
    made = {"audit": workspace.audit, "curate": workspace.dataset, "report": workspace.report}[stage]
    if note is None or not made.exists():
        return StageStanding(name=stage, stands="not run")
    facts = ", ".join(f"{value:,} {key}" for key, value in note.items() if isinstance(value, int))
    current = (note.get("root"), note.get("settings")) == (root, recipe.made_with(stage))
    return StageStanding(name=stage, stands="done" if current else "out of date", facts=facts)


def _publish(
    recipe: Recipe, note: dict[str, object] | None, built: dict[str, object] | None
) -> StageStanding:
    """What this workspace published last; the Hub itself is not asked."""
    if note is None:
        return StageStanding(name="publish", stands="not run", facts=recipe.publish.repo or "")
    made = (built or {}).get("root"), (built or {}).get("settings"), recipe.made_with("curate")
    current = (note.get("root"), note.get("settings"), note.get("settings")) == made
    where = f"{note.get('repo')} at {note.get('tag') or str(note.get('revision'))[:12]}"
    waits = f", waits in {note['pull_request']}" if note.get("pull_request") else ""
    return StageStanding(name="publish", stands="done" if current else "out of date", facts=f"{where}{waits}")
