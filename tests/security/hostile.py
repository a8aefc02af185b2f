"""What a stranger might publish: manifests that carry a valid seal over anything at all."""

import ast
import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from builders import a_record

from collectors.storage.files import canonical_json

ROOT = Path(__file__).parents[2]

STRANGE = "\x1b]0;owned\x07\x1b[2J\u202egnp.exe\x9b31m"
"""Renames the terminal, wipes it, turns the direction of writing, and a C1 escape."""


def a_line(**changes: Any) -> dict[str, Any]:
    """A record as plain data; names with dots reach inside: `{"file.sha256": "…"}`."""
    value: dict[str, Any] = a_record().model_dump(mode="json", by_alias=True)
    for name, new in changes.pop("inside", {}).items():
        *path, last = name.split(".")
        place = value
        for step in path:
            place = place[step]
        place[last] = new
    return value | changes


def sealed(path: Path, *lines: Mapping[str, Any]) -> Path:
    """Write a manifest that adds up, whatever its records hold."""
    digest, root = hashlib.sha256(), hashlib.sha256()
    for line in lines:
        digest.update(canonical_json(line) + b"\n")
        file = line.get("file")
        root.update(f"{line['uid']} {file['sha256'] if file else '-'}\n".encode())
    header = {
        "kind": "universe-gan manifest",
        "format": 1,
        "tool": "0",
        "name": path.stem,
        "subject": "nebula",
        "recipe_sha256": "0" * 64,
        "records": len(lines),
        "files": len(lines),
        "bytes": 0,
        "root_sha256": root.hexdigest(),
        "records_sha256": digest.hexdigest(),
    }
    with path.open("wb") as file:
        file.write(canonical_json(header) + b"\n")
        for line in lines:
            seal = hashlib.sha256(canonical_json(line)).hexdigest()[:16]
            file.write(json.dumps({**line, "seal": seal}).encode() + b"\n")
    return path


@cache
def calls() -> tuple[tuple[str, str, ast.Call], ...]:
    """Every call in the code that ships: `folder/file.py:line`, what is called, and the call."""
    return tuple(
        (f"{path.relative_to(ROOT)}:{node.lineno}", ast.unparse(node.func), node)
        for room in ("collectors", "curation", "universe_gan")
        for path in sorted((ROOT / room).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
    )
