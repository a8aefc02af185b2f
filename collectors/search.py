"""Asking every source of a plan, each image once, remembered so that a killed search goes on."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import requests

from collectors.plan import Plan
from collectors.progress import Progress
from collectors.record import Record, Skipped
from collectors.source import Ask, Finished, demand_keys
from collectors.storage.files import Journal
from collectors.storage.workspace import Workspace


def search(
    plan: Plan,
    workspace: Workspace,
    session: requests.Session,
    *,
    refresh: bool,
    progress: Progress,
    now: Callable[[], datetime],
) -> tuple[list[Record], list[Skipped]]:
    """Everything the sources have for this plan, each image once, in the sources' own order.

    What an earlier run was told is read from the journal and not asked again, unless the question changed.
    Sources on this disk cost nothing and are always asked. Raises `KeyMissing` before the first question.
    """
    journal = Journal(workspace.journal)
    lines = list(journal.read())
    if refresh or not lines or lines[0].get("question") != plan.question:
        workspace.journal.unlink(missing_ok=True)
        lines = []
        journal.append({"question": plan.question})
    told = _Told()
    for line in lines[1:]:
        told.add(line)
    demand_keys((source for source, _ in plan.sources if source.name not in told.done), plan.addresses)
    for source, settings in plan.sources:
        if source.name in told.done:
            continue
        with progress.stage(f"search {source.title}") as stage:
            ask = Ask(
                settings=settings,
                subject=plan.settings.subject,
                session=session,
                answers=workspace.answers,
                finished=told.finished.get(source.name, {}),
                now=now,
                progress=progress,
                base=plan.base,
            )
            for found in source.search(ask):
                line = _line(source.name, found)
                if told.add(line):
                    stage.advance(0 if isinstance(found, Finished) else 1)
                    if source.open_local is None:
                        journal.append(line)
        if source.open_local is None:
            journal.append({"done": source.name})
    journal.close()
    return list(told.records.values()), list(told.skipped.values())


class _Told:
    """The journal of a search, read back: the first word about an image counts."""

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self.skipped: dict[str, Skipped] = {}
        self.finished: dict[str, dict[str, tuple[str, ...]]] = {}
        self.done: set[str] = set()

    def add(self, line: Mapping[str, Any]) -> bool:
        """Take in a line; `False` when it says nothing new."""
        if "record" in line:
            record = Record.model_validate(line["record"])
            return self.records.setdefault(record.uid, record) is record
        if "skipped" in line:
            skip = Skipped.model_validate(line["skipped"])
            return self.skipped.setdefault(f"{line['source']} {skip.key}", skip) is skip
        if "finished" in line:
            unit = Finished.model_validate(line["finished"])
            self.finished.setdefault(line["source"], {})[unit.unit] = unit.leads_to
        if "done" in line:
            self.done.add(line["done"])
        return True


def _line(source: str, found: Record | Skipped | Finished) -> dict[str, Any]:
    kind = {Record: "record", Skipped: "skipped", Finished: "finished"}[type(found)]
    return {"source": source, kind: found.model_dump(mode="json", by_alias=True)}
