"""Where each stage stands: which manifest it last worked on, and what came of it (`state.json`)."""

import json
from pathlib import Path
from typing import Any

from collectors.storage.files import canonical_json, write_whole
from collectors.storage.workspace import Workspace

STAGES = ("collect", "audit", "curate", "report")


class State:
    """Notes of finished stages in a workspace. Losing the file loses nothing but `status`."""

    def __init__(self, workspace: Workspace) -> None:
        self._path = workspace.root / "state.json"

    def read(self) -> dict[str, dict[str, Any]]:
        """Stage → its note; `root` is the root hash of the manifest it worked on."""
        try:
            value = json.loads(self._path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        if not isinstance(value, dict):
            return {}
        return {stage: note for stage, note in value.items() if isinstance(note, dict)}

    def note(self, stage: str, root: str, settings: str, **facts: int | str | None) -> None:
        """Remember that a stage finished on the manifest with this root, under settings with this hash."""
        note = {"root": root, "settings": settings, **facts}
        write_whole(self._path, canonical_json({**self.read(), stage: note}))


def read_published(path: Path) -> dict[str, Any] | None:
    """What was published last, as `note_published` wrote it; `None`: nothing, or a file nobody can read."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def note_published(path: Path, root: str, settings: str, **facts: str | None) -> None:
    """Remember beside the manifest what stands on the Hub: deleting `data/` must not lose it."""
    write_whole(path, canonical_json({"root": root, "settings": settings, **facts}) + b"\n")
