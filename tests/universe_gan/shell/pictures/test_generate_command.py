"""`universe-gan generate`: what can be named, what is written, how it fails."""

import json
from pathlib import Path

import pytest
from PIL import Image

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from trained import run_folder  # noqa: E402

from universe_gan.shell.cli import run  # noqa: E402
from universe_gan.shell.exits import Exit  # noqa: E402


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with one run."""
    monkeypatch.chdir(tmp_path)
    run_folder(tmp_path / "runs")
    return tmp_path


def generate(*words: str) -> int:
    return run(["generate", "--device", "cpu", *words])


@pytest.mark.parametrize("asked", ["runs/0001-toy", "runs/0001-toy/latest.safetensors", "toy"])
def test_a_run_a_checkpoint_and_a_recipe_name_the_same_pictures(
    place: Path, capsys: pytest.CaptureFixture[str], asked: str
) -> None:
    assert generate(asked, "--seeds", "0-2", "--json") == Exit.DONE
    told = json.loads(capsys.readouterr().out)
    assert told["files"] == ["seed-000000.png", "seed-000001.png", "seed-000002.png", "sheet.png"]
    assert told["synthetic"] is True
    assert (place / "generated" / "toy" / "pictures.jsonl").is_file()


def test_one_picture_is_not_called_several(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert generate("toy", "--seeds", "7") == Exit.DONE
    assert "generated/toy  1 picture and a sheet, synthetic" in capsys.readouterr().out


@pytest.mark.parametrize("ending", ["gif", "webp", "png"])
def test_a_film_has_its_frames_and_says_where_it_comes_from(place: Path, ending: str) -> None:
    film = place / f"out.{ending}"
    assert generate("toy", "--seeds", "1-2", "--film", str(film), "--frames", "3", "--fps", "10") == Exit.DONE
    with Image.open(film) as image:
        assert getattr(image, "n_frames", 1) == 6
    facts = json.loads((place / f"out.{ending}.json").read_text())
    assert facts["seeds"] == [1, 2]
    assert facts["synthetic"] is True
    assert not list(place.glob("*.part*"))


def test_mp4_is_written_where_ffmpeg_is_and_else_named_before_anything_is_drawn(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "imageio_ffmpeg", None)
    assert generate("toy", "--film", "out.mp4") == Exit.INPUT
    said = capsys.readouterr().err
    assert "MP4 needs imageio-ffmpeg, not installed here" in said
    assert "fix: pip install 'universe-gan[film]', or name it .webp" in said
    assert not (place / "out.mp4").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("toy", "--seeds", "9-1"), "--seeds 9-1"),
        (("nothing",), "nothing holds no checkpoint"),
        (("toy", "--film", "out.avi"), "no kind of film"),
        (("broken.safetensors",), "no whole checkpoint"),
        (("toy", "--to", "theirs"), "nothing was written"),
    ],
)
def test_what_cannot_be_done_is_said(
    place: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    (place / "broken.safetensors").write_bytes(b"torn")
    (place / "theirs").mkdir()
    (place / "theirs" / "pictures.jsonl").write_text('{"name": "a.png"}\n')
    assert generate(*words) == Exit.INPUT
    assert said in capsys.readouterr().err


def test_an_mp4_can_be_read_again(place: Path) -> None:
    ffmpeg = pytest.importorskip("imageio_ffmpeg", reason="imageio-ffmpeg is not installed")
    assert generate("toy", "--seeds", "1-2", "--film", "out.mp4", "--frames", "4") == Exit.DONE
    frames = ffmpeg.read_frames("out.mp4")
    assert next(frames)["size"] == (32, 32)
    assert sum(1 for _ in frames) == 8
