"""What `audit` prints, of one manifest or of two beside each other."""

from pathlib import Path

from curation.auditing.audit import Audit, Concern
from curation.auditing.audit_diff import words_of
from universe_gan.shell.datasets import descent, stages
from universe_gan.shell.datasets.stages import as_json
from universe_gan.shell.datasets.status import standing
from universe_gan.shell.exits import Exit
from universe_gan.shell.invocation import tool
from universe_gan.shell.output import Output, many, some
from universe_gan.shell.recipes.recipe import Recipe


def audit(output: Output, recipe: Recipe) -> Exit:
    """The licence audit."""
    with stages.at_work(recipe) as workspace:
        result = stages.run_audit(recipe, workspace)
        found = descent.of_recipe(recipe)
    tell(output, recipe, result)
    descent.tell(output, found)
    descent.warn(output, recipe, found)
    there = standing(recipe)
    for stage in there.stages:
        if (stage.name, stage.stands) == ("curate", "done"):
            output.line(f"dataset   {stage.facts}")
    output.result(as_json(result) | {"descended": descent.as_json(found)})
    if result.violations:
        return Exit.VIOLATIONS
    output.say(f"next: {tool()} {there.next}")
    return Exit.DONE


def audit_diff(output: Output, recipe: Recipe, older: Path) -> Exit:
    """The recipe's manifest beside an older one."""
    with stages.at_work(recipe) as workspace:
        found = stages.run_audit_diff(recipe, workspace, older)
    rows = [(one.uid, words) for one in found.altered for words in words_of(one)]
    shown = rows if output.verbose else rows[:20]
    output.table("Changed", ["uid", "what"], shown)
    if len(shown) < len(rows):
        output.say(f"  … and {len(rows) - len(shown):,} more (--verbose lists all)")
    for head, listed in (("added", found.added), ("removed", found.removed)):
        if listed:
            output.say(f"{head}: {some([one.uid for one in listed], 10)}")
    output.line(
        f"{len(found.added):,} added, {len(found.removed):,} removed, {len(found.altered):,} changed,"
        f" {found.same:,} as before"
    )
    output.line(f"diff      {recipe.data / 'audit' / 'diff.md'}")
    output.result(as_json(found))
    output.say(f"next: {tool()} {standing(recipe).next}")
    return Exit.DONE


def tell(output: Output, recipe: Recipe, result: Audit) -> None:
    rows = [(row.images, row.licence, row.cls.value, row.policy) for row in result.rows]
    output.table("Licences", ["images", "licence", "class", "the recipe's policy"], rows)
    notes = [(len(uids), Concern(concern).words, some(uids)) for concern, uids in result.noted.items()]
    output.table("Worth a look", ["images", "what", "which"], notes)
    shown = result.violations[: None if output.verbose else 10]
    for violation in shown:
        output.line(f"violation  {violation.uid}: {violation.concern.words}: {violation.what}")
    if len(shown) < len(result.violations):
        output.line(f"… and {len(result.violations) - len(shown):,} more (--verbose lists all)")
    for one in result.purposes:
        output.line(f"{one.purpose:<9} {'yes' if one.may else 'no '}  {one.words}")
        terms = one.terms if output.verbose or one.purpose == recipe.policy.purpose else ()
        for words in (*one.against[: None if output.verbose else 3], *terms):
            output.line(f"            {words}")
    for words in result.collisions:
        output.say(f"note: {words}")
    verdict = many(len(result.violations), "violation") if result.violations else "no violation"
    output.line(f"audit     {recipe.data / 'audit' / 'audit.md'}  {verdict}")
