"""The stages that `scale.py` measures, a few to a process: `python scale_steps.py STEP N FOLDER SIDE PARTS`.

Prints a JSON list of rows {stage, cpu, wall, mb}; `mb` is what the process held at the stage's peak, beyond
what it held before (Linux' high-water mark is set back at the beginning of each).
"""

import gc
import importlib
import json
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from collectors import manifest as manifests
from collectors.record import Record, Verdict
from collectors.storage.workspace import Workspace
from curation.settings import CurateSettings, PolicySettings

Row = dict[str, Any]
HEAD = {"name": "scale", "subject": "nebula", "recipe_sha256": "0" * 64, "tool": "0", "skipped": {}}
SA = {"expression": "CC-BY-SA-4.0", "chosen": "CC-BY-SA-4.0", "class": "sa", "attribution": True}
SA |= {"share_alike": True, "commercial": True, "derivatives": True, "confidence": "stated"}
PUBLISH = PolicySettings(purpose="publish")


class Run(NamedTuple):
    """What the pictures are like, and what is done with them."""

    side: int
    """In pixels."""
    match_parts: bool


class Meter:
    """Stages with what each cost; a stage within a stage is not counted twice."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self._within: list[Row] = []

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator["Meter"]:
        gc.collect()
        row: Row = {"stage": name, "cpu": 0.0, "wall": 0.0, "mb": 0.0}
        begun, cpu = time.perf_counter(), _cpu()
        self._note_peaks()
        self._within.append(row)
        held = row["mb"] = _memory("VmRSS")
        try:
            yield self
        finally:
            self._note_peaks()
            self._within.pop()
            spent = {"cpu": _cpu() - cpu, "wall": time.perf_counter() - begun}
            for key, seconds in spent.items():
                row[key] += seconds
                for outer in self._within[-1:]:
                    outer[key] -= seconds
            row["mb"] -= held
            print(f"  {row['stage']}: {row['cpu']:.2f} s, {row['mb']:.0f} MB", file=sys.stderr, flush=True)
            self._add(row)

    def _note_peaks(self) -> None:
        """What the innermost stage held up to here; from here on a new peak counts."""
        for row in self._within[-1:]:
            row["mb"] = max(row["mb"], _memory("VmHWM"))
        Path("/proc/self/clear_refs").write_text("5")

    def _add(self, row: Row) -> None:
        same = next((one for one in self.rows if one["stage"] == row["stage"]), None)
        if same is None:
            self.rows.append(row)
        else:
            sums = {key: same[key] + row[key] for key in ("cpu", "wall")}
            same |= sums | {"mb": max(same["mb"], row["mb"])}

    def advance(self, count: int = 1) -> None:
        return

    def expect(self, total: int) -> None:
        return

    def note(self, text: str) -> None:
        return

    def of(self, module: str, function: str, name: str) -> None:
        """Measure a function of the tool as a stage of its own, wherever it is called from its module."""
        home = importlib.import_module(module)
        holder, _, attribute = function.rpartition(".")
        place = getattr(home, holder) if holder else home
        plain = getattr(place, attribute)

        def measured(*args: Any, **kwargs: Any) -> Any:
            with self.stage(name):
                return plain(*args, **kwargs)

        setattr(place, attribute, measured)


def _cpu() -> float:
    ours, theirs = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return ours.ru_utime + ours.ru_stime + theirs.ru_utime + theirs.ru_stime


def _memory(field: str) -> float:
    """MB of this process, as Linux says it."""
    with Path("/proc/self/status").open() as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith(field))


def a_record(number: int, sha256: str, size: int) -> Record:
    """A record as Commons gives it: 1.5 kB, a licence out of three, an author out of hundreds."""
    page = f"https://commons.wikimedia.org/wiki/File:Nebula_{number}.jpg"
    url = f"https://upload.wikimedia.org/wikipedia/commons/a/ab/Nebula_{number}.jpg"
    by = {"expression": "CC-BY-4.0", "chosen": "CC-BY-4.0", "class": "by", "share_alike": False}
    free = by | {"expression": "CC0-1.0", "chosen": "CC0-1.0", "class": "pd", "attribution": False}
    return Record.model_validate(
        {
            "uid": f"commons:M{number:09}",
            "source": "commons",
            "subject": "nebula",
            "title": f"File:Nebula {number}.jpg",
            "page": page,
            "found_by": {"query": "Emission nebulae", "path": ("Emission nebulae", "Orion Nebula")},
            "original": {"url": url, "sha1": f"{number:040x}", "bytes": size, "mime": "image/jpeg"},
            "file": {"sha256": sha256, "bytes": size, "mime": "image/jpeg"},
            "creator": {
                "name": f"Ada Lane {number % 700}",
                "url": "https://commons.wikimedia.org/wiki/User:A",
            },
            "credit_line": f"“Nebula {number}” by Ada Lane {number % 700}, via Wikimedia Commons, CC BY 4.0",
            "rights": (SA, SA | by, SA | free)[number % 3],
            "evidence": [
                {
                    "channel": "extmetadata",
                    "field": "LicenseUrl",
                    "value": "https://creativecommons.org/licenses/by-sa/4.0",
                    "url": page,
                    "at": "2026-11-02T10:00:00Z",
                    "answer_sha256": f"{number // 50:064x}",
                }
            ],
            "seen": {"first": "2026-11-02T10:00:00Z"},
        }
    )


def make_pictures(meter: Meter, number: int, folder: Path, run: Run) -> None:
    """The originals and their sealed manifest."""
    import scale_pictures as pictures

    store = Workspace(folder).originals

    def records() -> Iterator[Record]:
        for one in range(number):
            data = pictures.picture(one, run.side)
            yield a_record(one, store.add(data), len(data))

    with meter.stage("(pictures made)"):
        manifests.write_sorted(records(), folder / "scale.jsonl", **HEAD)


def curate_pictures(meter: Meter, number: int, folder: Path, run: Run) -> None:
    """Everything from the manifest to the report, on one core."""
    from curation.auditing import audit, audit_files
    from curation.curate import curate
    from curation.dataset import write as dataset
    from curation.reporting import report

    for function in (
        ("curation.duplicates.join", "near_hashes", "join of hashes"),
        ("curation.duplicates.retrieval", "candidates", "retrieval of features"),
        ("curation.duplicates.compared", "Comparisons.answers", "verification of pairs"),
        ("curation.comparing", "relate", "groups"),
        ("curation.comparing", "split", "splits"),
    ):
        meter.of(*function)
    workspace, settings = Workspace(folder), _settings(run.side, match_parts=run.match_parts)
    with meter.stage("manifest: read"):
        manifest = manifests.read(folder / "scale.jsonl")
    with meter.stage("screening, verdicts"):
        judged = curate(manifest, workspace, PUBLISH, settings, progress=meter)
    with meter.stage("audit"):
        audited = audit.audit(manifest, PUBLISH, judged)
    with meter.stage("audit: files"):
        audit_files.write(audited, manifest, workspace.audit)
    with meter.stage("build"):
        built = dataset.build(manifest, judged, workspace, settings, policy=PUBLISH, progress=meter)
    with meter.stage("report"):
        report.write(manifest, judged, workspace, policy=PUBLISH, settings=settings, audit=audited, workers=1)
    twins = sum(one.verdict.twin is not None for one in judged)
    meter.rows.append({"stage": "(kept)", "rows": built.rows, "copies": twins})


def _settings(side: int, *, match_parts: bool = True) -> CurateSettings:
    return CurateSettings(size=min(side, 128), min_side=1, match_parts=match_parts)


def go_through_records(meter: Meter, number: int, folder: Path, run: Run) -> None:
    """Manifests: written, read, filtered, compared, audited, a record at a time."""
    from curation.auditing import audit, audit_files
    from curation.auditing.audit_diff import diff

    path, part = folder / "records.jsonl", folder / "part.jsonl"
    with meter.stage("manifest: seal and write"):
        manifests.write_sorted((a_record(one, f"{one:064x}", 1000) for one in range(number)), path, **HEAD)
    there = manifests.stream(path)
    with meter.stage("manifest: stream"):
        assert sum(1 for _ in there.records) == number
    with meter.stage("manifest: filter and seal"):
        manifests.write_sorted((one for one in there.records if not one.uid.endswith("7")), part, **HEAD)
    with meter.stage("manifest: diff"):
        assert len(diff(there, manifests.stream(part)).removed) == number // 10
    with meter.stage("audit of a stream"):
        audited = audit.audit(there, PUBLISH)
    with meter.stage("audit of a stream: files"):
        audit_files.write(audited, there, folder / "audit")


def hold_records(meter: Meter, number: int, folder: Path, run: Run) -> None:
    """A manifest in memory, as curation holds it."""
    path = folder / "records.jsonl"
    with meter.stage("manifest: whole in memory"):
        whole = manifests.read(path)
    assert len(whole.records) == number


def relate_hashes(meter: Meter, number: int, folder: Path, run: Run) -> None:
    """Duplicates from hashes to groups, with neighbours planted and everybody who asks told the truth."""
    from curation.duplicates.compared import Compared, Question
    from curation.duplicates.edges import EdgeKind
    from curation.duplicates.groups import relate
    from curation.duplicates.rank import Standing
    from curation.duplicates.ties import Look

    dice = np.random.default_rng(5)
    hashes = dice.integers(0, 256, (number, 256), dtype=np.uint8)
    hashes[19::20] = hashes[18::20][: len(hashes[19::20])]
    hashes[19::20, ::40] ^= 1

    class Honest:
        has_features = True

        def answers(self, questions: Sequence[Question]) -> list[Compared]:
            return [_answer(one) for one in questions]

    def _answer(one: Question) -> Compared:
        copy = int(one.first, 16) // 2 == int(one.second, 16) // 2
        found = {"kind": EdgeKind.VERIFIED, "orientation": 0, "agreement": 1.0} if copy else {}
        return Compared(**one._asdict(), version="", **found)

    looks = [
        Look(
            Standing(uid=f"commons:M{one:09}"),
            f"{one:064x}",
            None,
            hashes[one].tobytes(),
            255,
        )
        for one in range(number)
    ]
    meter.of("curation.duplicates.join", "near_hashes", "synthetic: join of hashes")
    with meter.stage("synthetic: groups"):
        found = relate(looks, Honest())
    meter.rows.append({"stage": "(found)", "copies": len(found.copies)})


def build_rows(meter: Meter, number: int, folder: Path, run: Run) -> None:
    """A dataset of tiny squares from synthetic verdicts, and two datasets compared."""
    from curation.dataset import diff as dataset_diff
    from curation.dataset.write import build
    from curation.imaging import crop
    from curation.judged import Judged

    workspace = Workspace(folder / "rows")
    store = workspace.originals
    data = crop.encode(Image.new("RGB", (16, 16)), _settings(16))
    sha256 = store.add(data)
    records = [a_record(one, sha256, len(data)) for one in range(number)]
    manifest = manifests.seal(records, **HEAD)
    judged = [
        Judged(
            uid=one.uid,
            verdict=Verdict(),
            width=16,
            height=16,
            phash="0" * 64,
            box=(0, 0, 16, 16),
            split="train",
        )
        for one in records
    ]
    settings = _settings(16)
    with meter.stage("synthetic: build"):
        build(manifest, judged, workspace, settings, policy=PUBLISH, render=lambda *_: data)
    with meter.stage("synthetic: dataset diff"):
        rows = dataset_diff.read_rows(workspace.dataset)
        assert dataset_diff.diff(rows, rows).same == number


STEPS: dict[str, Callable[[Meter, int, Path, Run], None]] = {
    "make": make_pictures,
    "curate": curate_pictures,
    "records": go_through_records,
    "whole": hold_records,
    "hashes": relate_hashes,
    "rows": build_rows,
}


def main() -> None:
    """Run one step and print what its stages cost."""
    name, number, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    meter = Meter()
    STEPS[name](meter, number, folder, Run(int(sys.argv[4]), sys.argv[5] == "parts"))
    print(json.dumps(meter.rows))


if __name__ == "__main__":
    main()
