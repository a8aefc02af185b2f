"""The report's sections: evidence of copies, contested terms, doubts, losses, one sky, references, plots."""

from pathlib import Path

import pytest
from builders import BY, ND, a_judgement, a_manifest, a_nebula, a_record, encoded, stored

from collectors.record import Reason, Verdict
from collectors.storage.workspace import Workspace
from curation.duplicates.edges import Edge, EdgeKind
from curation.judged import Judged
from curation.outcome import Outcome
from curation.reporting import report
from curation.reporting.sections.numbers import account
from curation.reporting.sections.plots import columns, strip
from curation.settings import CurateSettings, PolicySettings


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    workspace = Workspace(Path(tmp_path_factory.mktemp("sections")))
    rights = {2: BY, 5: ND | {"conflict": "BY or ND"}}
    kept, copy, chart, other, named = (
        stored(
            a_record(number=n, **({"rights": rights[n]} if n in rights else {})),
            workspace.originals,
            encoded(a_nebula(n)),
        )
        for n in range(1, 6)
    )
    size = {"width": 160, "height": 120}
    edge = Edge(
        first=kept.uid, second=copy.uid, kind=EdgeKind.VERIFIED, inliers=84, scale=0.5, agreement=0.97
    )
    duplicate = Verdict(reason=Reason.DUPLICATE, detail=edge.words, twin=kept.uid)
    lost = {"centre": 0.31, "subject": 0.0}
    judged = [
        a_judgement(
            kept,
            **size,
            box=(-10, -20, 150, 140),
            crop="subject",
            lost=lost,
            split="test",
            same_sky=(other.uid,),
        ),
        a_judgement(copy, **size, verdict=duplicate, edge=edge, notes=(f"{kept.uid} was kept: more pixels",)),
        a_judgement(chart, **size, verdict={"reason": "diagram", "detail": ""}, scores={"diagram": 0.83}),
        a_judgement(
            other, **size, box=(20, 0, 140, 120), scores={"text": 0.48}, doubts=("text",), split="train"
        ),
        a_judgement(named, verdict={"reason": "licence-refused", "detail": "ND"}),
    ]
    manifest = a_manifest([kept, copy, chart, other, named])
    policy = PolicySettings(reference=("nd",))
    path = report.write(manifest, judged, workspace, policy=policy, settings=CurateSettings(), workers=1)
    return " ".join(path.read_text().split())


@pytest.mark.parametrize(
    "words",
    [
        '<span class="kind">verified</span>',
        "84 agree on one transform",
        "0.97 (copies 1, strangers 0)",
        "<dt>the other was kept</dt><dd>more pixels</dd>",
        'id="contested"',
        "one picture under 2 claims: CC BY 4.0, CC BY-SA 4.0",
        '<section id="out-diagram">',
        "<b>0.83</b>, threshold 0.50",
        'id="doubtful"',
        "universe-gan review",
        'viewBox="-10 -20 170 160"',
        "centre loses 31 %, subject (chosen) loses 0 %",
        "of the square is added sky",
        'id="skies"',
        '<span class="side">test</span>',
        '<section id="named">',
        'data-state="reference"',
        "5 fetched → 4 decoded (1 stopped by their rights) → 3 compared (1 screened out) → 2 kept (1 copy)",
        'role="img" aria-label="Score “diagram”',
        "threshold 0.5",
    ],
)
def test_a_section_says(page: str, words: str) -> None:
    assert words in page


def test_the_line_of_a_threshold_stands_at_its_number() -> None:
    bins = [(f"{at / 4:.2f}", {"kept": 1}) for at in range(4)]
    plot = columns("x", bins, {"kept": "kept"}, line=(0.5, "threshold"), scale=True)
    assert plot.line is not None
    assert [tick.x for tick in plot.ticks if tick.label == "0.50"] == [plot.line.x]


def test_damaged_files_are_not_counted_as_decoded_or_screened() -> None:
    records = [a_record(number=n) for n in (1, 2, 3)]
    reasons = (None, Reason.UNREADABLE, Reason.DIAGRAM)
    everything = [
        Outcome(record, Judged(uid=record.uid, verdict=Verdict(reason=reason)), Verdict(reason=reason))
        for record, reason in zip(records, reasons, strict=True)
    ]
    words = account(a_manifest(records), everything, 0)
    assert "3 fetched → 2 decoded (1 damaged or too large) → 1 compared (1 screened out) → 1 kept" in words


def test_a_reference_is_not_shown_and_not_counted_as_refused(page: str) -> None:
    start = page.index('data-uid="commons:M5"')
    assert "<img" not in page[start : page.index("</li>", start)]
    assert "licence-refused" not in page
    assert "<b>reference</b>: named without pixels; ND</p>" in page
    contested = page[page.index('<section id="contested"') : page.index('<section id="kept"')]
    assert "BY or ND" in contested
    assert '</svg>named without pixels</span></div> <p class="name" dir="auto"><a href="#n5">' in contested
    assert 'data-reason="reference"' in page[start : page.index(">", start)]
    assert '<option value="reference">' in page
    assert 'value="reference">reference <small>' in page


def test_columns_stack_to_the_highest_and_leave_out_colours_without_images() -> None:
    plot = columns(
        "t", [("a", {"kept": 3, "out": 1}), ("b", {"kept": 2})], {"kept": "k", "out": "o", "no": "n"}
    )
    assert [(bar.cls, bar.y, bar.height) for bar in plot.bars] == [
        ("kept", 26, 78),
        ("out", 0, 26),
        ("kept", 52, 52),
    ]
    assert (plot.names, plot.total) == ((("kept", "k"), ("out", "o")), 6)


def test_a_strip_fills_its_whole_length() -> None:
    parts = strip("nasa", {"by": 1, "pd": 3}, {"pd": "public domain", "by": "attribution"}).parts
    assert [(part.cls, part.x, part.width) for part in parts] == [("pd", 0, 75), ("by", 75, 25)]
