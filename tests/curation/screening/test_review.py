"""Decisions as a file: checked whole, merged, obeyed by `curate`; and what stands on the sheet."""

import json
from pathlib import Path

import pytest
from builders import a_judgement, a_manifest, a_record, encoded, stored
from skies import a_sky

from collectors.record import Reason, Verdict
from collectors.storage.workspace import Workspace
from curation.curate import curate
from curation.screening import review
from curation.screening.decisions import FORMAT, ReviewBroken, merge, path_beside, read, taken
from curation.settings import CurateSettings, PolicySettings, ScreenSettings

ONE, TWO, NOWHERE = "1" * 64, "2" * 64, "3" * 64
KNOWN = {ONE: "commons:M1", TWO: "commons:M2"}


def saved(folder: Path, *decisions: object, form: str = FORMAT) -> Path:
    path = folder / "saved.json"
    path.write_text(json.dumps({"format": form, "decisions": decisions}))
    return path


def said(sha256: str, decision: str = "drop") -> dict[str, str]:
    return {"sha256": sha256, "decision": decision, "date": "2026-05-04"}


def test_decisions_are_merged_and_the_newer_counts(tmp_path: Path) -> None:
    path = path_beside(tmp_path / "nebulae.jsonl")
    assert path.name == "nebulae.review.jsonl"
    assert read(path) == {}
    assert merge(path, taken(saved(tmp_path, said(TWO), said(ONE)), KNOWN)) == (2, 0)
    assert merge(path, taken(saved(tmp_path, said(ONE, "keep")), KNOWN)) == (0, 1)
    assert [(one.uid, one.decision) for one in read(path).values()] == [
        ("commons:M1", "keep"),
        ("commons:M2", "drop"),
    ]


def test_every_mistake_is_named_at_once_and_nothing_is_taken(tmp_path: Path) -> None:
    wrong = {**said(TWO), "decision": "perhaps", "colour": 1}
    path = saved(tmp_path, said(ONE), said(ONE), wrong, said(NOWHERE), None, "drop")
    with pytest.raises(ReviewBroken) as caught:
        taken(path, KNOWN)
    words = "\n".join(caught.value.problems)
    for part in ("decision 3: decision", "colour", "decision 4: the manifest", "decision 5", "decision 6"):
        assert part in words
    assert "decision 2: a second decision on 111111111111…" in words


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "another"}', "\udcff"])
def test_a_file_that_no_page_saved_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "saved.json"
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ReviewBroken):
        taken(path, KNOWN)


def test_curate_obeys_the_decisions(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    records = [stored(a_record(number=n), workspace.originals, encoded(a_sky(n, 128))) for n in (1, 2)]
    denied = stored(a_record(number=3, title="NASA logo"), workspace.originals, encoded(a_sky(3, 128)))
    manifest = a_manifest([*records, denied])
    settings, sha = CurateSettings(size=64), {r.uid: r.file.sha256 for r in manifest.records if r.file}
    before = {one.uid: one.verdict.reason for one in curate(manifest, workspace, PolicySettings(), settings)}
    assert list(before.values()) == [None, None, Reason.OFF_TOPIC]
    file = saved(tmp_path, said(sha["commons:M1"]), said(sha["commons:M3"], "keep"))
    decisions = taken(file, {sha: uid for uid, sha in sha.items()})
    after = curate(manifest, workspace, PolicySettings(), settings, decisions=decisions)
    assert [one.verdict.reason for one in after] == [Reason.REJECTED, None, None]


def test_the_most_doubtful_come_first_and_decided_ones_last(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    records = [stored(a_record(number=n), workspace.originals, encoded(a_sky(n, 64))) for n in range(1, 5)]
    manifest = a_manifest(records)
    text = Verdict(reason=Reason.TEXT, detail="text 0.90")
    judged = [
        a_judgement(records[0], scores={"text": 0.9}, verdict=text),
        a_judgement(records[1], scores={"text": 0.45}, doubts=("text",)),
        a_judgement(records[2], scores={"text": 0.1}),
        a_judgement(records[3], scores={"text": 0.5}),
    ]
    sha = records[3].file.sha256 if records[3].file else ""
    decided = taken(saved(tmp_path, said(sha)), {sha: "commons:M4"})
    found = review.cards(manifest, judged, decided, ScreenSettings())
    assert [card.uid for card in found] == ["commons:M2", "commons:M1", "commons:M4"]
    assert found[0].topics == ("text",)


def test_mistakes_in_the_file_beside_the_recipe_are_named_by_line(tmp_path: Path) -> None:
    path = tmp_path / "n.review.jsonl"
    path.write_text(f"{json.dumps(said(ONE))}\nnull\nnonsense\n\n{json.dumps(said(ONE))}\n")
    with pytest.raises(ReviewBroken) as caught:
        read(path)
    assert [problem.split(":")[0] for problem in caught.value.problems] == ["line 2", "line 3", "line 5"]
