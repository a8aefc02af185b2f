"""Audit a published dataset, ours or a stranger's, from its rows: no picture is read.

A dataset of ours carries its manifest, so its rows are held against it. Of a stranger's the columns are found
by the names that are used for them elsewhere; where there is none for the licence, that is the finding.
"""

import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from collectors import licences
from collectors import manifest as manifests
from collectors.licences import Licence
from collectors.manifest import Manifest, ManifestBroken, ManifestTooNew
from collectors.record import Record
from collectors.rights import LicenceClass
from curation.hub import rows
from curation.hub.rows import Place
from curation.hub.sought import SOUGHT, assign, licence_of, text_of
from curation.hub.troubles import Found, LicenceCount, PublishedAudit, Trouble

_SHOWN = 5
_ASKS = ("license", "license_expression", "license_class", "creator", "credit_line", "source_sha256")
"""Columns of ours that must say what the manifest says."""


@dataclass
class _Tally:
    """What is counted on the way through the rows."""

    rows: int = 0
    licences: Counter[str] = field(default_factory=Counter)
    troubles: dict[Trouble, list[str]] = field(default_factory=dict)
    counts: Counter[Trouble] = field(default_factory=Counter)
    uids: set[str] = field(default_factory=set)

    def note(self, trouble: Trouble, what: str) -> None:
        self.counts[trouble] += 1
        listed = self.troubles.setdefault(trouble, [])
        if len(listed) < _SHOWN:
            listed.append(what)


def audit(place: Place) -> PublishedAudit:
    """Audit a dataset by what it carries.

    Raises:
        NotReadable: there are no rows to read.
        HubProblem: on the way.
    """
    manifest, told = _manifest(place)
    records = {record.uid: record for record in manifest.records} if manifest else None
    tally = _Tally()
    columns: dict[str, str | None] = dict.fromkeys(SOUGHT)
    names: dict[str, None] = {}
    for group in rows.groups(place):
        here = assign(group.table.column_names)
        names |= dict.fromkeys(group.table.column_names)
        columns = {what: columns[what] or here[what] for what in SOUGHT}
        for row in group.table.to_pylist():
            _count(tally, row, here, records)
    found = list(_whole(tally, columns, tuple(names), records))
    if manifest is None and told:
        found.append(Found(trouble=Trouble.MANIFEST_BROKEN, rows=0, what=told))
    card = _card_licence(place)
    found += _card(card, tally)
    counts = [
        LicenceCount(licence=id, cls=licences.get(id).cls, rows=count)
        for id, count in sorted(tally.licences.items(), key=lambda one: (-one[1], one[0]))
    ]
    return PublishedAudit(
        where=place.where,
        revision=place.revision,
        files=tuple(rows.shards(place)),
        rows=tally.rows,
        generated=rows.generated(place),
        columns=columns,
        all_columns=tuple(names),
        licences=tuple(counts),
        card_licence=card,
        manifest=told or _drift(records, tally),
        found=tuple(sorted(found, key=lambda one: list(Trouble).index(one.trouble))),
    )


def _count(
    tally: _Tally,
    row: Mapping[str, Any],
    columns: Mapping[str, str | None],
    records: Mapping[str, Record] | None,
) -> None:
    name = text_of(row, columns["uid"]) or f"row {tally.rows + 1}"
    tally.rows += 1
    tally.uids.add(name)
    if columns["licence"] or columns["licence address"]:
        licence = licence_of(row, columns)
        tally.licences[licence.id] += 1
        _rights(tally, name, row, columns, licence)
    if columns["opt-out"] and row[columns["opt-out"]] in (True, "true", "True", 1):
        tally.note(Trouble.OPTED_OUT, name)
    if not any(text_of(row, columns[what]) for what in ("page", "source")):
        tally.note(Trouble.NO_SOURCE, name)
    if columns["evidence"] and not row[columns["evidence"]] and not row.get("permission"):
        tally.note(Trouble.NO_EVIDENCE, name)
    if records is not None:
        _against(tally, name, row, records.get(name))


def _rights(
    tally: _Tally, name: str, row: Mapping[str, Any], columns: Mapping[str, str | None], licence: Licence
) -> None:
    if row.get("permission"):  # ours alone: the author's letter stands in for a licence
        return
    if licence.cls is LicenceClass.UNKNOWN:
        said = text_of(row, columns["licence"]) or text_of(row, columns["licence address"])
        tally.note(Trouble.NO_LICENCE, f"{name} ({said[:60]!r})" if said else name)
    elif licence.cls is LicenceClass.CLOSED:
        tally.note(Trouble.CLOSED, name)
    if licence.attribution and not any(text_of(row, columns[what]) for what in ("creator", "credit")):
        tally.note(Trouble.NO_CREDIT, name)
    if licence.derivatives is False:
        tally.note(Trouble.NO_CROP, name)


def _against(tally: _Tally, name: str, row: Mapping[str, Any], record: Record | None) -> None:
    """A row of ours beside its record."""
    if record is None or record.file is None:
        tally.note(Trouble.NOT_IN_MANIFEST, name)
        return
    if record.ai.opted_out and record.permission is None:
        tally.note(Trouble.OPTED_OUT, name)
    if not record.evidence and record.permission is None:
        tally.note(Trouble.NO_EVIDENCE, name)
    said = {
        "license": licences.get(record.rights.chosen).id,
        "license_expression": record.rights.expression,
        "license_class": record.rights.cls.value,
        "creator": record.creator.name,
        "credit_line": record.credit_line or None,
        "source_sha256": record.file.sha256,
    }
    wrong = [column for column in _ASKS if column in row and row[column] != said[column]]
    if wrong:
        tally.note(Trouble.DIFFERS, f"{name}: {', '.join(wrong)}")


def _whole(
    tally: _Tally,
    columns: Mapping[str, str | None],
    names: Sequence[str],
    records: Mapping[str, Record] | None,
) -> Iterator[Found]:
    """What was counted, and what concerns the dataset as a whole."""
    if not (columns["licence"] or columns["licence address"]):
        sought = (*SOUGHT["licence"], *SOUGHT["licence address"])
        what = f"looked for {', '.join(sought)}; found {', '.join(names) or 'no column'}"
        yield Found(trouble=Trouble.NO_COLUMNS, rows=0, what=what)
    elif columns["evidence"] is None and records is None:
        what = f"looked for {', '.join(SOUGHT['evidence'])}"
        yield Found(trouble=Trouble.UNPROVEN, rows=tally.rows, what=what)
    for trouble, count in tally.counts.items():
        listed = tally.troubles[trouble]
        more = f" and {count - len(listed):,} more" if count > len(listed) else ""
        yield Found(trouble=trouble, rows=count, what=f"{', '.join(listed)}{more}")


def _manifest(place: Place) -> tuple[Manifest | None, str]:
    """The manifest published with the data and, where it cannot be used, why."""
    try:
        path = manifest_path(place)
    except ValueError as error:
        return None, str(error)
    if path is None:
        return None, ""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "manifest.jsonl"
        copy.write_text(place.text(path) or "", encoding="utf-8")
        try:
            return manifests.read(copy), ""
        except ManifestBroken as error:
            return None, f"{path}{f', line {error.line}' if error.line else ''}: {error.problem}"
        except ManifestTooNew as error:
            return None, f"{path} was written by a newer version of this tool ({error.tool})"


def manifest_path(place: Place) -> str | None:
    """Where the manifest lies in a dataset of ours. Raises `ValueError` where there are several."""
    found = [path for path in place.files if re.fullmatch(r"manifest/[^/]+\.jsonl", path)]
    found = [
        path for path in found if not path.endswith((".blocked.jsonl", ".review.jsonl", ".synthetic.jsonl"))
    ]
    if len(found) > 1:
        raise ValueError(f"it carries several manifests: {', '.join(found)}")
    return found[0] if found else None


def _drift(records: Mapping[str, Record] | None, tally: _Tally) -> str:
    if records is None:
        return "none is published with it: nobody can rebuild it from here"
    files = {uid for uid, record in records.items() if record.file}
    return (
        f"sealed, {len(files):,} files; {len(files & tally.uids):,} of them are rows here,"
        f" {len(files - tally.uids):,} were left out when it was curated"
    )


def _card_licence(place: Place) -> str | None:
    """`license` of the card's metadata (https://huggingface.co/docs/hub/datasets-cards)."""
    text = place.text("README.md") or ""
    head = re.match(r"---\r?\n(.*?)\r?\n---", text, re.DOTALL)
    said = re.search(r"^license:[ \t]*(?:\r?\n\s*-[ \t]*)?(\S.*)$", head[1], re.MULTILINE) if head else None
    return said[1].strip().strip("\"'") if said else None


def _card(card: str | None, tally: _Tally) -> Iterator[Found]:
    """Does one licence on the card stand for rows that say otherwise?"""
    if not tally.licences:
        return
    if card is None:
        yield Found(trouble=Trouble.CARD, rows=0, what="the card's metadata names no licence")
        return
    id = next((id for id in licences.TABLE if id.casefold() == card.casefold()), None)
    id = id or licences.from_text(card)
    if id is None or card in ("other", "unknown"):
        return
    others = {known: count for known, count in tally.licences.items() if known != id}
    stricter = {
        known: count
        for known, count in others.items()
        if licences.strictness(licences.get(known)) > licences.strictness(licences.get(id))
    }
    if stricter:
        listed = ", ".join(f"{known} ({count:,})" for known, count in sorted(stricter.items()))
        what = f"the card says {card} for all, and rows are under {listed}"
        yield Found(trouble=Trouble.CARD, rows=sum(stricter.values()), what=what)
