"""`universe-gan colour`: what is written, what it says of itself, how it goes on."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skies import a_sky

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("skimage", reason="scikit-image is not installed")

from trained import run_folder  # noqa: E402

from universe_gan import pictures  # noqa: E402
from universe_gan.shell.cli import run  # noqa: E402
from universe_gan.shell.exits import Exit  # noqa: E402


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a run that drew three pictures, and a folder of real ones."""
    monkeypatch.chdir(tmp_path)
    run_folder(tmp_path / "runs")
    (tmp_path / "sky").mkdir()
    for seed in range(6):
        a_sky(seed, 32).save(tmp_path / "sky" / f"{seed}.png")
    assert run(["generate", "toy", "--seeds", "0-2", "--device", "cpu", "-q"]) == Exit.DONE
    return tmp_path


def test_every_picture_says_what_it_was_before_and_what_became_of_it(place: Path) -> None:
    assert run(["colour", "toy", "--like", "sky", "--strength", "0.5"]) == Exit.DONE
    before = list(pictures.lines(place / "generated" / "toy"))
    after = list(pictures.lines(place / "coloured" / "toy"))
    assert [line["file"] for line in after] == [line["file"] for line in before]
    for old, new in zip(before, after, strict=True):
        assert new["source"]["sha256"] == old["sha256"] != new["sha256"]
        assert (new["seed"], new["checkpoint_sha256"]) == (old["seed"], old["checkpoint_sha256"])
        assert new["synthetic"] is True
        assert (new["coloured"]["strength"], new["coloured"]["like"]) == (0.5, "sky")
        inside = pictures.inside(place / "coloured" / "toy" / new["file"])
        assert inside == {key: value for key, value in new.items() if key not in ("file", "sha256")}


def test_what_is_there_is_not_made_again_and_what_is_missing_is(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ask = ["colour", "generated/toy", "--like", "sky", "--json", "-q"]
    assert run(ask) == Exit.DONE
    (place / "coloured" / "toy" / "seed-000001.png").unlink()
    kept = (place / "coloured" / "toy" / "seed-000000.png").stat().st_mtime_ns
    for expected in (1, 0):
        capsys.readouterr()
        assert run(ask) == Exit.DONE
        assert json.loads(capsys.readouterr().out)["new"] == expected
    assert (place / "coloured" / "toy" / "seed-000000.png").stat().st_mtime_ns == kept


def test_no_strength_changes_no_pixel(place: Path) -> None:
    assert run(["colour", "toy", "--like", "sky", "--strength", "0", "--to", "same", "-q"]) == Exit.DONE
    for path in (place / "same").glob("*.png"):
        one, other = (np.asarray(Image.open(at)) for at in (path, place / "generated" / "toy" / path.name))
        assert (one == other).all()


def test_what_cannot_be_done_is_said(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "runs" / "0001-toy" / "run.json").rename(place / "moved.json")
    for words, told in (
        (["colour", "generated/toy"], "no run here learned from"),
        (["colour", "nothing"], "nothing holds no pictures"),
        (["colour", "sky", "--like", "sky"], "sky holds no pictures"),
    ):
        assert run(words) == Exit.INPUT
        assert told in capsys.readouterr().err
