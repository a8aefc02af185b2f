"""What `check`, `sources` and `status` print: the machine, the sources, where every recipe stands."""

from collections.abc import Sequence
from pathlib import Path

from collectors.manifest import ManifestBroken, ManifestTooNew
from collectors.source import Source
from collectors.sources import table
from universe_gan import __version__
from universe_gan.shell import machine
from universe_gan.shell.datasets import asking
from universe_gan.shell.datasets.stages import as_json
from universe_gan.shell.datasets.status import Standing, recipes_here, standing
from universe_gan.shell.exits import Exit
from universe_gan.shell.failures import explain
from universe_gan.shell.invocation import tool
from universe_gan.shell.output import Output
from universe_gan.shell.recipes.recipe import RecipeMissing, RecipeWrong, find, load

Unreadable = RecipeWrong | RecipeMissing | ManifestBroken | ManifestTooNew
UNREADABLE = (RecipeWrong, RecipeMissing, ManifestBroken, ManifestTooNew)
"""What keeps one recipe from being read, and must not keep the others from being shown."""


def check(
    output: Output, asked: str | None = None, data: Path | None = None, *, online: bool = False
) -> Exit:
    """What this machine has and lacks, for a recipe where one is named."""
    recipe = load(find(asked), data=data) if asked else None
    findings = []
    for finding in machine.look(recipe, online=online):
        mark = {"ok": "ok  ", "note": "note", "bad": "BAD "}[finding.level]
        output.line(f"{mark}  {finding.what}" + (f"  →  {finding.cure}" if finding.cure else ""))
        findings.append(as_json(finding))
    output.result(
        {
            "schema": machine.SCHEMA,
            "tool": __version__,
            "recipe": recipe.name if recipe else None,
            "findings": findings,
        }
    )
    return Exit.MACHINE if any(finding["level"] == "bad" for finding in findings) else Exit.DONE


def sources(output: Output) -> Exit:
    """The table of sources."""
    rows = [
        (source.name, source.title, ", ".join(_variables(source)) or "nothing", source.terms)
        for source in table().values()
    ]
    for name, title, needs, terms in rows:
        output.line(f"{name:<12}{title}")
        output.line(f"{'':<12}needs: {needs}")
        output.line(f"{'':<12}terms: {terms}")
    output.result(
        {"sources": [dict(zip(("name", "title", "needs", "terms"), row, strict=True)) for row in rows]}
    )
    return Exit.DONE


def _variables(source: Source) -> list[str]:
    """The environment variables a source needs."""
    return [*([asking.CONTACT] if source.open_local is None else []), *source.keys]


def status(output: Output, recipes: Sequence[str], data: Path | None) -> Exit:
    """Where everything stands."""
    paths = [find(one) for one in recipes] or recipes_here()
    if not paths:
        output.line("no recipes in manifests/, neither here nor one folder down")
        output.say(f"next: {tool()} init NAME")
    standings: list[Standing] = []
    wrong: list[tuple[Path, Unreadable]] = []
    for path in paths:
        try:
            standings.append(standing(load(path, data=data)))
            _tell_standing(output, standings[-1])
        except UNREADABLE as error:
            wrong.append((path, error))
    for _, problem in wrong:
        output.error(str(explain(problem)))
    output.result(
        {
            "recipes": [as_json(one) for one in standings],
            "wrong": [{"recipe": str(path), "problems": _problems(error)} for path, error in wrong],
            "next": None if paths else "init NAME",
        }
    )
    return Exit.INPUT if wrong else Exit.DONE


def _problems(error: Unreadable) -> list[str]:
    return list(error.problems) if isinstance(error, RecipeWrong) else [str(error)]


def _tell_standing(output: Output, one: Standing) -> None:
    output.table(
        one.recipe, ["stage", "stands", "facts"], [(row.name, row.stands, row.facts) for row in one.stages]
    )
    output.line(f"next: {tool()} {one.next}" + (f"   ({one.why})" if one.why else ""))
    if one.otherwise:
        output.line(f"or:   {tool()} {one.otherwise}")
