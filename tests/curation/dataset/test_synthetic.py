"""Generated pictures in a dataset: apart, with their lineage, while the real rows stay what they were."""

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from builders import a_judgement, a_manifest, a_nebula, a_record, encoded, stored

from collectors.record import Verdict
from collectors.storage.workspace import Workspace
from curation.dataset import synthetic
from curation.dataset.facts import Origin
from curation.dataset.synthetic import Synthetic, SyntheticBroken, SyntheticMissing
from curation.dataset.write import BuiltDataset, build
from curation.hub import gate
from curation.settings import CurateSettings, PolicySettings


def accepted(workspace: Workspace, number: int = 1, **changes: Any) -> Synthetic:
    """A picture in the workspace's store, as a generator of generation 0 drew it."""
    sha256 = workspace.synthetic.add(encoded(a_nebula(number, (32, 32))))
    fields: dict[str, Any] = {
        "sha256": sha256,
        "drawn_sha256": "d" * 64,
        "rank": number,
        "accepted": "best",
        "quality": 1.1,
        "novelty": 0.9,
        "run": "nebulae",
        "model": "lightweight",
        "seed": number,
        "checkpoint_sha256": "c" * 64,
        "dataset": "ada/nebulae",
        "dataset_revision": "a" * 40,
        "dataset_fingerprint": "f" * 64,
        "licences": {"CC0-1.0": 2},
    }
    return Synthetic.model_validate(fields | changes)


def built(workspace: Workspace, *made: Synthetic) -> BuiltDataset:
    rows = []
    for number in (1, 2, 3):
        record = stored(a_record(number=number), workspace.originals, encoded(a_nebula(number, (48, 40))))
        rows.append((record, a_judgement(record, width=48, height=40, box=(4, 0, 44, 40), verdict=Verdict())))
    manifest = a_manifest(record for record, _ in rows)
    listed = "".join(f"{one.model_dump_json()}\n" for one in made) or None
    judged = [one for _, one in rows]
    return build(
        manifest,
        judged,
        workspace,
        CurateSettings(size=32),
        policy=PolicySettings(),
        origin=Origin(synthetic=listed),
        accepted=made,
    )


def hashes(dataset: BuiltDataset, *folders: str) -> dict[str, str]:
    return {one.path: one.sha256 for one in dataset.files if one.path.startswith(folders)}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "data")


def test_the_real_rows_stay_byte_for_byte_and_the_generated_ones_stand_apart(workspace: Workspace) -> None:
    before = built(workspace)
    after = built(workspace, accepted(workspace, 1), accepted(workspace, 2, generation=1))
    assert hashes(before, "data/", "metadata/") == hashes(after, "data/", "metadata/")
    assert (before.rows, before.splits) == (after.rows, after.splits)
    assert (before.synthetic, after.synthetic) == (0, 2)
    assert before.root_sha256 != after.root_sha256
    [path] = hashes(after, "synthetic/")
    assert path.startswith("synthetic/train-")
    rows = pq.read_table(workspace.dataset / path).to_pylist()
    for row in rows:
        assert row["ai_generated"] is True
        assert row["uid"] == f"generated:{hashlib.sha256(row['image']['bytes']).hexdigest()}"
        assert row["training_licences"] == ["CC0-1.0: 2"]
    assert sorted(row["generation"] for row in rows) == [0, 1]
    card = (workspace.dataset / "README.md").read_text()
    assert "2 pictures here show nothing that exists" in card
    assert "config_name: synthetic" in card
    assert (workspace.dataset / "manifest" / "nebulae.synthetic.jsonl").is_file()
    again = built(workspace)
    assert again.root_sha256 == before.root_sha256
    assert hashes(again, "") == hashes(before, "")


def test_anybody_loads_real_pictures_unless_asking_for_generated_ones(workspace: Workspace) -> None:
    pytest.importorskip("datasets")
    built(workspace, accepted(workspace))
    code = (
        "import sys\nfrom datasets import load_dataset\n"
        "real = load_dataset(sys.argv[1], split='train')\n"
        "made = load_dataset(sys.argv[1], 'synthetic', split='train')\n"
        "print(len(real), len(made), made[0]['image'].size, made[0]['ai_generated'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(workspace.dataset)],
        capture_output=True,
        text=True,
        env={"HF_HUB_OFFLINE": "1", "HF_HOME": str(workspace.root / "hf"), "PATH": ""},
    )
    assert done.stdout.split() == ["3", "1", "(32,", "32)", "True"], done.stderr


def test_a_lost_picture_stops_the_build_and_names_what_draws_it_again(workspace: Workspace) -> None:
    one = accepted(workspace, seed=77)
    workspace.synthetic.drop(one.sha256)
    with pytest.raises(SyntheticMissing) as caught:
        built(workspace, one)
    assert [lost.seed for lost in caught.value.missing] == [77]
    from universe_gan.shell.failures import explain

    words = str(explain(caught.value))
    assert "nebulae, checkpoint cccccccccccc, seeds 77" in words
    assert not workspace.dataset.exists()


def test_the_gate_lets_no_generated_picture_out_that_nobody_accepted(workspace: Workspace) -> None:
    one, other = accepted(workspace, 1), accepted(workspace, 2)
    built(workspace, one, other)
    assert list(gate.strangers(workspace.dataset, (one, other))) == []
    assert [found.uid for found in gate.strangers(workspace.dataset, (one,))] == [other.uid]
    [path] = (workspace.dataset / "synthetic").iterdir()
    table = pq.read_table(path)
    real = pa.array([False] * len(table), pa.bool_())
    pq.write_table(table.set_column(table.schema.get_field_index("ai_generated"), "ai_generated", real), path)
    assert len(list(gate.strangers(workspace.dataset, (one, other)))) == 2


def test_the_list_comes_back_and_names_every_mistake(workspace: Workspace, tmp_path: Path) -> None:
    path = synthetic.path_beside(tmp_path / "nebulae.jsonl")
    assert synthetic.read(path) == ()
    made = [accepted(workspace, number) for number in (1, 2)]
    synthetic.write(path, made)
    assert synthetic.read(path) == tuple(sorted(made, key=lambda one: one.sha256))
    whole = path.read_bytes()
    path.write_bytes(whole + b"{}\nnonsense\n" + whole.splitlines(keepends=True)[0])
    with pytest.raises(SyntheticBroken) as caught:
        synthetic.read(path)
    assert "line 3: sha256: Field required" in caught.value.problems
    assert any("line 4: not JSON" in problem for problem in caught.value.problems)
    assert any("line 5: a second line" in problem for problem in caught.value.problems)
