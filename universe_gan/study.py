"""A study is steps in order; `study.json` in its folder says which are done, with hashes of what they used.

A step is done when it was finished with the same settings on the same results of the steps before it, and
what it made still lies there. So a study can be left anywhere and nothing is done twice: what changed, and
what follows from it, is done again.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from collectors.storage.files import canonical_json, sha256_of, write_whole

State = Literal["done", "begun", "changed", "to do"]


@dataclass(frozen=True)
class Step:
    """One step of a study."""

    name: str
    after: tuple[str, ...]
    """The steps whose results it uses."""
    settings: Any
    """All else that its result depends on, as JSON."""
    made: Callable[[], str | None]
    """Hash of what lies there now; `None`: nothing, or not whole."""
    do: Callable[[], tuple[int, Mapping[str, Any]]]
    """Does it and returns the exit code and what it told; what is there already is not made again."""
    clear: Callable[[], None] = lambda: None
    """Takes away what it made from something else."""


class Ledger:
    """`study.json`: what each step used, made and told. Losing it loses no work, only the time to look."""

    def __init__(self, folder: Path, toy: bool) -> None:
        self._path, self._toy = folder / "study.json", toy

    def notes(self) -> dict[str, dict[str, Any]]:
        """Step → its note; a file that cannot be read counts for nothing."""
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))["steps"]
            return {name: dict(note) for name, note in found.items()}
        except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
            return {}

    def told(self, name: str) -> Mapping[str, Any]:
        """What the step told when it was finished."""
        return dict(self.notes().get(name, {}).get("told", {}))

    def state(self, step: Step, made: Mapping[str, str | None]) -> State:
        """Whether a step is done; `made` by the steps before it."""
        note = self.notes().get(step.name)
        if note is None:
            return "to do"
        if note.get("inputs") != _inputs(step, made):
            return "changed"
        return "done" if note.get("made") and note["made"] == step.made() else "begun"

    def begin(self, step: Step, made: Mapping[str, str | None]) -> None:
        """From now on what lies there comes from these inputs."""
        self._note(step.name, {"inputs": _inputs(step, made)})

    def finish(
        self, step: Step, made: Mapping[str, str | None], seconds: float, told: Mapping[str, Any]
    ) -> None:
        """The step is done."""
        note = {"inputs": _inputs(step, made), "seconds": round(seconds, 1), "told": dict(told)}
        self._note(step.name, note)
        self._note(step.name, {**note, "made": step.made()})

    def _note(self, name: str, note: Mapping[str, Any]) -> None:
        text = json.dumps({"toy": self._toy, "steps": {**self.notes(), name: note}}, indent=1, sort_keys=True)
        write_whole(self._path, f"{text}\n")


def plan(steps: Sequence[Step], ledger: Ledger) -> list[tuple[Step, State]]:
    """Where each step stands; what follows from a step that is not done is `changed` or `to do` itself."""
    made: dict[str, str | None] = {}
    found: list[tuple[Step, State]] = []
    for step in steps:
        state = ledger.state(step, made)
        made[step.name] = step.made() if state == "done" else None
        found.append((step, state))
    return found


def carry_out(
    step: Step, ledger: Ledger, made: dict[str, str | None], clock: Callable[[], float]
) -> tuple[State, int]:
    """Do one step unless it is done; returns how it stood before, and its exit code."""
    state = ledger.state(step, made)
    code = 0
    if state != "done":
        if state == "changed":
            step.clear()
        ledger.begin(step, made)
        started = clock()
        code, told = step.do()
        if code == 0:
            ledger.finish(step, made, clock() - started, told)
    made[step.name] = step.made()
    return state, code


def _inputs(step: Step, made: Mapping[str, str | None]) -> str:
    said = canonical_json([step.settings, [made.get(name) for name in step.after]])
    return hashlib.sha256(said).hexdigest()


def of_folder(folder: Path) -> str | None:
    """Hash of a folder of pictures; `None` where there is none. Raises `NotOurs`."""
    from universe_gan import pictures  # it brings numpy and PyTorch, which a plan has no need of

    if not folder.is_dir():
        return None
    known = [[line["file"], line.get("sha256")] for line in pictures.lines(folder)]
    return hashlib.sha256(canonical_json(known)).hexdigest() if known else None


def of_file(path: Path) -> str | None:
    """SHA-256 of a file; `None` where there is none."""
    try:
        return sha256_of(path)
    except FileNotFoundError:
        return None


def clear_folder(folder: Path) -> None:
    """Take away the pictures that its sidecar names, and the sidecar; other files stay. Raises `NotOurs`.

    A subfolder that is a link to somewhere else is left as it is: what lies there is not ours.
    """
    from universe_gan import pictures

    for line in list(pictures.lines(folder)):
        path = folder / line["file"]
        if path.parent.resolve().is_relative_to(folder.resolve()):
            path.unlink(missing_ok=True)
    (folder / pictures.SIDECAR).unlink(missing_ok=True)
