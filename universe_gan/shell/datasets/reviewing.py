"""`review`: the sheet of doubtful pictures, and taking back what a person decided on it."""

import os
from pathlib import Path

from curation.curate import read_verdicts
from curation.screening import decisions
from curation.screening import review as sheet
from curation.screening.review import Undecided
from universe_gan.shell.datasets import stages
from universe_gan.shell.datasets.stages import StageMissing
from universe_gan.shell.exits import Exit
from universe_gan.shell.invocation import tool
from universe_gan.shell.output import Output, many
from universe_gan.shell.recipes.recipe import Recipe


def review(output: Output, recipe: Recipe, *, take: Path | None) -> Exit:
    """Write the sheet, or take the file back that its page saved."""
    return _take(output, recipe, take) if take is not None else _write(output, recipe)


def words_of(waiting: Undecided) -> str:
    """`17 pictures to look at: 8 doubtful, 9 screened out`, wherever they are counted."""
    parts = {"doubtful": waiting.doubtful, "screened out": waiting.screened}
    words = ", ".join(f"{count:,} {name}" for name, count in parts.items() if count)
    return f"{many(waiting.total, 'picture')} to look at{': ' if words else ''}{words}"


def _write(output: Output, recipe: Recipe) -> Exit:
    with stages.at_work(recipe) as workspace:
        manifest = stages.read_manifest(recipe)
        if not workspace.verdicts.is_file():
            raise StageMissing(workspace.verdicts, f"universe-gan curate {recipe.path}")
        taken = f"{tool()} review {recipe.path} --take {recipe.name}.review.json"
        path, waiting = sheet.write(
            manifest,
            read_verdicts(workspace.verdicts),
            decisions.read(recipe.reviewed),
            workspace,
            settings=recipe.curate,
            title=recipe.title,
            take=taken,
            progress=output,
            workers=os.cpu_count() or 1,
        )
    output.line(f"review    {path}  {words_of(waiting)}")
    output.result({"review": str(path), "undecided": waiting.total, "doubtful": waiting.doubtful})
    output.say(f"next: open {path} in a browser, save your decisions, then {taken}")
    return Exit.DONE


def _take(output: Output, recipe: Recipe, file: Path) -> Exit:
    with stages.at_work(recipe):
        manifest = stages.read_manifest(recipe)
        known = {record.file.sha256: record.uid for record in manifest.records if record.file}
        new = decisions.taken(file, known)
        added, changed = decisions.merge(recipe.reviewed, new)
    dropped = sum(one.decision == "drop" for one in new.values())
    words = f"{len(new):,} decisions taken ({len(new) - dropped:,} keep, {dropped:,} drop)"
    output.line(f"{words}; {added:,} new, {changed:,} changed")
    output.line(f"decisions {recipe.reviewed}")
    output.result({"decisions": str(recipe.reviewed), "taken": len(new), "added": added, "changed": changed})
    output.say(f"next: {tool()} curate {recipe.path}   (obeys them)")
    return Exit.DONE
