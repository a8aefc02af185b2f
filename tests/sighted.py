"""A source that can be looked at again: what it says today is set by a test, its files lie on loopback."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from builders import a_manifest, a_nebula, a_record, encoded
from faulty import FaultServer

from collectors.frozen import Frozen
from collectors.manifest import Manifest
from collectors.plan import CollectSettings, Plan
from collectors.record import Original, Record, StoredFile
from collectors.source import Ask, Found, Resolved, Sighting, Source
from collectors.storage.workspace import Workspace

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


class SkySettings(Frozen):
    """Nothing to set."""


@dataclass
class Sky:
    """The source, its server, and what it says today: by default what was locked."""

    root: Path
    server: FaultServer
    locked: list[Record] = field(default_factory=list)
    today: dict[str, Record | None] = field(default_factory=dict)
    archived: dict[str, Original | None] = field(default_factory=dict)
    asked: list[list[str]] = field(default_factory=list)
    """Uids of each look."""
    resolved: list[str] = field(default_factory=list)
    can_look: bool = True
    can_resolve: bool = True
    expires: bool = False
    stop_after: int | None = None

    def put(self, number: int, **changes: Any) -> Record:
        """Lock an image and serve its file; `like`: the number of one that has the same bytes."""
        data = encoded(a_nebula(changes.pop("like", number), (40, 30)))
        self.server.files[f"/{number}.png"] = data
        rendition = changes.pop("rendition", "original")
        original = {
            "url": f"{self.server.base}/{number}.png",
            "sha1": hashlib.sha1(data).hexdigest() if rendition == "original" else None,
            "bytes": len(data),
            "width": 40,
            "height": 30,
            "mime": "image/png",
        }
        file = StoredFile(
            rendition=rendition,
            sha256=hashlib.sha256(data).hexdigest(),
            bytes=len(data),
            mime="image/png",
            width=40,
            height=30,
        )
        original |= changes.pop("original", {})
        changes.setdefault("evidence", ())
        record = a_record(number=number, source="sky", original=original, file=None, **changes)
        record = record.model_copy(update={"file": file})
        self.locked.append(record)
        return record

    def says(self, record: Record, **update: Any) -> None:
        """From now on the source describes the image like this."""
        for name, value in update.items():
            if isinstance(value, dict):
                update[name] = getattr(record, name).model_copy(update=value)
        self.today[record.uid] = record.model_copy(update={"file": None, **update})

    def lock(self) -> Manifest:
        return a_manifest(self.locked)

    def plan(self) -> Plan:
        return Plan(
            name="sky",
            base=self.root,
            manifest=self.root / "sky.jsonl",
            settings=CollectSettings(subject="nebula"),
            sources=[(self.source(), SkySettings())],
            recipe_sha256="0" * 64,
            tool="test",
        )

    def workspace(self, name: str = "data") -> Workspace:
        return Workspace(self.root / name)

    def source(self) -> Source:
        def search(ask: Ask) -> Iterator[Found]:
            raise AssertionError("nothing is searched")

        def parse(answer: Mapping[str, Any], subject: str) -> Record:
            raise NotImplementedError

        return Source(
            "sky",
            "the sky",
            SkySettings,
            search,
            parse,
            "terms",
            look_again=self._look_again if self.can_look else None,
            resolve=self._resolve if self.can_resolve else None,
            expires=self.expires,
        )

    def _look_again(self, ask: Ask, records: Sequence[Record]) -> Iterator[Sighting]:
        self.asked.append([record.uid for record in records])
        for number, record in enumerate(records):
            if number == self.stop_after:
                raise KeyboardInterrupt
            now = self.today.get(record.uid, record.model_copy(update={"file": None}))
            yield Sighting(uid=record.uid, now=now, detail="" if now else "its page was deleted")

    def _resolve(self, ask: Ask, records: Sequence[Record]) -> Iterator[Resolved]:
        for record in records:
            self.resolved.append(record.uid)
            original = self.archived.get(record.uid, record.original)
            detail = "archived" if original else "no version has the locked SHA-1 any more"
            yield Resolved(uid=record.uid, original=original, detail=detail)
