"""Datasets on the Hub, in a folder or in a store: audit them, and start from what made them."""

import re
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from collectors import manifest as manifests
from collectors.manifest import Manifest, ManifestBroken
from collectors.storage.files import write_whole
from collectors.web.reach import Net, looked_up
from curation.hub import readback, rows, stored
from curation.hub.remote import hub_here
from curation.hub.rows import NotReadable, Place
from curation.hub.troubles import PublishedAudit
from universe_gan.shell.exits import Exit
from universe_gan.shell.invocation import tool
from universe_gan.shell.output import Output, many
from universe_gan.shell.recipes import recipe as recipes
from universe_gan.shell.recipes import starting
from universe_gan.shell.recipes.recipe import RecipeWrong
from universe_gan.shell.recipes.sections import files_named, leading_out
from universe_gan.shell.recipes.starting import RecipeExists

RECIPE_BYTES, MANIFEST_BYTES = 2**15, 2**28
"""What a stranger's files may hold: reading TOML takes time by the square of a key's length, and the manifest
of 100,000 images has about 200 MB."""


class NotFollowable(Exception):
    """What was published with a dataset cannot be used to make it again; every reason."""

    def __init__(self, where: str, problems: Sequence[str]) -> None:
        super().__init__(f"{where}: {'; '.join(problems)}")
        self.where, self.problems = where, tuple(problems)


def place(address: str) -> Place:
    """What an address or a path leads to. Raises as `stored.stored` and `Hub.standing`."""
    if stored.is_address(address):
        return stored.stored(address)
    if not address.startswith("hf://"):
        return rows.folder(Path(address))
    found = rows.parse(address)
    if found is None:
        raise NotReadable(address, "write hf://datasets/user/name or hf://datasets/user/name@revision")
    return rows.published(hub_here(), *found)


def audit(output: Output, address: str) -> Exit:
    """The licence audit of what is published."""
    with stored.reading(address):
        result = readback.audit(place(address))
    _tell(output, result)
    counts = {cls.value: count for cls, count in result.classes.items()}
    output.result({**result.model_dump(mode="json"), "classes": counts, "violations": len(result.grave)})
    return Exit.VIOLATIONS if result.grave else Exit.DONE


def _tell(output: Output, result: PublishedAudit) -> None:
    output.line(f"dataset   {result.where}" + (f"  at {result.revision}" if result.revision else ""))
    rows, files = many(result.rows, "row"), many(len(result.files), "file")
    output.line(f"read      {rows} of {files}; no picture was read")
    if result.generated:
        made = many(result.generated, "picture")
        output.line(
            f"generated {made} besides, made by models: they stand apart and have no author to credit"
        )
    output.table(
        "Licences",
        ["rows", "licence", "class"],
        [(one.rows, one.licence, one.cls) for one in result.licences],
    )
    said = [(what, column or "(no such column)") for what, column in result.columns.items()]
    output.table("Columns", ["what", "column"], said)
    output.line(f"card      license: {result.card_licence or '(not stated)'}")
    output.line(f"manifest  {result.manifest}")
    for one in result.found:
        mark = "violation" if one.trouble.grave else "note     "
        count = f"{many(one.rows, 'row')}: " if one.rows else ""
        output.line(f"{mark}  {count}{one.trouble.words}: {one.what}")
    grave = len(result.grave)
    output.line("no violation" if not grave else f"{many(grave, 'kind')} of violation")


def init(output: Output, name: str, address: str) -> Exit:
    """Write the recipe and manifest that were published with a dataset, so that it can be made again."""
    path = starting.new_path(name)
    lock = path.with_suffix(".jsonl")
    if lock.exists():
        raise RecipeExists(lock)
    found = place(address)
    text, sealed, manifest = fetch(found, path.stem)
    write_whole(path, text)
    write_whole(lock, sealed)
    header = manifest.header
    output.line(f"wrote {path}")
    if (review := _review(found)) is not None:
        write_whole(path.with_suffix(".review.jsonl"), review)
        output.line(f"wrote {path.with_suffix('.review.jsonl')}  what a person kept and dropped")
    output.line(f"wrote {lock}  {header.files:,} files, root {header.root_sha256[:16]}…")
    output.say(f"from {found.where}" + (f" at {found.revision}" if found.revision else ""))
    output.say(
        f"it was made by a stranger: it asks {_some(sorted(_asks(tomllib.loads(text)))) or 'the usual hosts'}"
    )
    output.say(f"  and its files come from {_some(_hosts(manifest)) or 'this disk'}")
    output.result({"recipe": str(path), "manifest": str(lock), "root_sha256": header.root_sha256})
    output.say(f"next: {tool()} collect {path} --locked")
    return Exit.DONE


def _review(found: Place) -> str | None:
    """The decisions that were published beside the manifest; `curate` checks each."""
    lock = readback.manifest_path(found)
    return found.text(f"{lock.removesuffix('.jsonl')}.review.jsonl", MANIFEST_BYTES) if lock else None


def fetch(found: Place, name: str) -> tuple[str, str, Manifest]:
    """The text of the recipe, the text of the manifest, and the manifest read: all checked, nothing kept.

    Raises:
        NotFollowable: one is missing, wrong, broken, or reaches outside its own folder.
    """
    try:
        lock = readback.manifest_path(found)
    except ValueError as error:
        raise NotFollowable(found.where, [str(error)]) from error
    named = [one for one in found.files if re.fullmatch(r"manifest/[^/]+\.toml", one)]
    if lock is None or len(named) != 1:
        words = "it carries no manifest/NAME.jsonl" if lock is None else "it carries no single recipe"
        raise NotFollowable(found.where, [f"{words}: it was not published by this tool, or by an older one"])
    text, sealed = found.text(named[0], RECIPE_BYTES) or "", found.text(lock, MANIFEST_BYTES) or ""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / f"{name}.toml"
        copy.write_text(text, encoding="utf-8")
        copy.with_suffix(".jsonl").write_text(sealed, encoding="utf-8")
        try:
            recipes.load(copy)
            manifest = manifests.read(copy.with_suffix(".jsonl"))
        except RecipeWrong as error:
            raise NotFollowable(found.where, [f"{named[0]}: {one}" for one in error.problems]) from error
        except ManifestBroken as error:
            at = f", line {error.line}" if error.line else ""
            raise NotFollowable(found.where, [f"{lock}{at}: {error.problem}"]) from error
    outside = [*leading_out(tomllib.loads(text)), *files_named(tomllib.loads(text))]
    if found.endpoint and looked_up(_host(found.endpoint) or "") <= {Net.PUBLIC}:
        private = [host for host in sorted(_asks(tomllib.loads(text))) if looked_up(host) - {Net.PUBLIC}]
        outside += [f"it asks {host}, which lies in no public network" for host in private]
    if outside:
        raise NotFollowable(found.where, outside)
    return text, sealed, manifest


def _asks(value: Any) -> set[str]:
    """Hosts that a recipe names anywhere."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        return {host for one in value for host in _asks(one)}
    host = _host(value) if isinstance(value, str) and "://" in value else None
    return {host} if host else set()


def _host(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None


def _hosts(manifest: Manifest) -> list[str]:
    hosts = {_host(record.original.url) for record in manifest.records if record.file}
    return sorted(host for host in hosts if host)


def _some(names: Sequence[str], most: int = 8) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most:,} more" if len(names) > most else "")
