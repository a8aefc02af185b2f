"""Real and fictive: a column of the dataset, a line on the card, a filter of the report."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from builders import a_judgement, a_manifest, a_nebula, a_record, encoded, stored

from collectors.manifest import Manifest
from collectors.storage.workspace import Workspace
from curation.dataset.write import build
from curation.judged import Judged
from curation.reporting import report
from curation.settings import CurateSettings, PolicySettings

SMALL = CurateSettings(size=16)


def planets(workspace: Workspace, *kinds: str | None) -> tuple[Manifest, list[Judged]]:
    records = [
        stored(a_record(number=number, kind=kind), workspace.originals, encoded(a_nebula(number, (20, 20))))
        for number, kind in enumerate(kinds, start=1)
    ]
    box = (0, 0, 20, 20)
    return a_manifest(records), [a_judgement(one, width=20, height=20, box=box) for one in records]


def test_the_kind_is_a_column_and_the_card_counts_it(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    manifest, judged = planets(workspace, "real", "fictive", "fictive", None)
    built = build(manifest, judged, workspace, SMALL, policy=PolicySettings())
    (part,) = (built.path / "data").glob("*.parquet")
    assert pq.read_table(part)["kind"].to_pylist() == ["real", "fictive", "fictive", None]
    assert "By the column `kind`: 2 fictive, 1 real." in (built.path / "README.md").read_text()


def test_a_card_of_a_recipe_without_kinds_says_nothing_of_them(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    manifest, judged = planets(workspace, None)
    built = build(manifest, judged, workspace, SMALL, policy=PolicySettings())
    assert "By the column" not in (built.path / "README.md").read_text()


@pytest.mark.parametrize(("kinds", "offered"), [(("real", "fictive"), True), (("real", "real"), False)])
def test_the_report_filters_by_kind_where_there_are_several(
    tmp_path: Path, kinds: tuple[str, ...], offered: bool
) -> None:
    workspace = Workspace(tmp_path)
    manifest, judged = planets(workspace, *kinds)
    page = report.write(manifest, judged, workspace, policy=PolicySettings(), workers=1).read_text()
    assert ('<select name="kind"' in page) is offered
    assert page.count('data-kind="real"') == kinds.count("real")
