"""Pictures by seed: the same bytes however they are asked for, and what the files say of themselves."""

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import requests
from PIL import Image

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from trained import run_folder  # noqa: E402

from collectors import folder  # noqa: E402
from collectors.folder import FolderSettings, embedded  # noqa: E402
from collectors.record import Reason, Record  # noqa: E402
from collectors.source import Ask  # noqa: E402
from collectors.storage.stores import Store  # noqa: E402
from curation.policy import may_publish  # noqa: E402
from curation.settings import PolicySettings  # noqa: E402
from universe_gan.generate import Generator, write  # noqa: E402
from universe_gan.seeds import SeedsWrong, read_seeds  # noqa: E402
from universe_gan.sheets import KEY, png  # noqa: E402


@pytest.mark.parametrize("model", ["stylegan2", "lightweight"])
def test_a_seed_is_the_same_bytes_whatever_is_drawn_beside_it(tmp_path: Path, model: str) -> None:
    generator = Generator.load(run_folder(tmp_path, model=model), "cpu")
    many = list(generator.pictures(range(5), 0.7))
    for seed in (0, 3, 4):
        [alone] = generator.pictures([seed], 0.7)
        assert alone.tobytes() == many[seed].tobytes()
    assert not np.array_equal(many[0], many[1])
    assert not np.array_equal(many[0], next(generator.pictures([0], 0.2)))


def test_a_folder_is_the_same_after_being_left_half_way(tmp_path: Path) -> None:
    generator = Generator.load(run_folder(tmp_path), "cpu")
    write(generator, range(4), tmp_path / "whole")
    write(generator, [2, 0], tmp_path / "half", sheet=False)
    (tmp_path / "half" / "pictures.jsonl").unlink()
    write(generator, range(4), tmp_path / "half")
    whole, half = (
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("whole", "half")
    )
    assert whole == half
    assert len(whole) == 6
    write(generator, [9], tmp_path / "half", sheet=False)
    lines = (tmp_path / "half" / "pictures.jsonl").read_text().splitlines()
    assert [json.loads(line)["seed"] for line in lines] == [0, 1, 2, 3, 9]


def test_a_kill_loses_no_line_and_the_same_command_makes_the_folder_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = Generator.load(run_folder(tmp_path), "cpu")
    write(generator, range(4), tmp_path / "whole")
    drawn = iter(range(3))

    def killed(image: Image.Image, facts: dict[str, object]) -> bytes:
        if next(drawn) == 2:
            raise KeyboardInterrupt
        return png(image, facts)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("universe_gan.generate.sheets.png", killed)
        write(generator, range(4), tmp_path / "half")
    sidecar = tmp_path / "half" / "pictures.jsonl"
    assert [json.loads(line)["seed"] for line in sidecar.read_text().splitlines()] == [0, 1]
    with sidecar.open("ab") as file:
        file.write(b'{"file":"seed-0000')
    write(generator, range(4), tmp_path / "half")
    whole, half = (
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("whole", "half")
    )
    assert whole == half


def test_every_file_says_that_it_is_synthetic_and_our_own_audit_believes_it(tmp_path: Path) -> None:
    generator = Generator.load(run_folder(tmp_path), "cpu")
    for path in write(generator, [7], tmp_path / "out"):
        with Image.open(path) as image:
            facts = json.loads(image.info[KEY])
        assert facts["synthetic"] is True
        assert facts["checkpoint_sha256"] == generator.sha256
        assert facts["dataset"] == "ada/nebulae"
        assert facts["dataset_revision"] == "a" * 40
        assert facts["dataset_licences"] == {"CC-BY-4.0": 7, "CC0-1.0": 2}
        assert embedded.ai(embedded.read(path)).generated is True


def test_collecting_our_own_pictures_refuses_them_as_made_by_a_generator(tmp_path: Path) -> None:
    write(Generator.load(run_folder(tmp_path), "cpu"), [7], tmp_path / "images", sheet=False)
    ask = Ask(
        settings=FolderSettings(path="images", sidecar="embedded"),
        subject="nebula",
        session=requests.Session(),
        answers=Store(tmp_path / "answers"),
        now=lambda: datetime(2026, 11, 22, tzinfo=UTC),
        base=tmp_path,
    )
    [found] = [one for one in folder.search(ask) if isinstance(one, Record)]
    assert found.ai.generated is True
    assert may_publish(found, PolicySettings()).reason is Reason.AI_GENERATED


def test_the_walk_begins_at_its_seed_and_changes_by_steps(tmp_path: Path) -> None:
    generator = Generator.load(run_folder(tmp_path), "cpu")
    frames = list(generator.walk([1, 2], 3))
    assert len(frames) == 6
    one, two = generator.pictures([1, 2])
    assert np.abs(frames[0].astype(int) - one).max() <= 1
    assert np.abs(frames[3].astype(int) - two).max() <= 1


def test_seeds_are_read_in_order_and_nonsense_is_named() -> None:
    assert read_seeds("5,0-2,1") == [5, 0, 1, 2]
    for words in ("", "a", "-1", "3-1", "0-99999999"):
        with pytest.raises(SeedsWrong):
            read_seeds(words)
