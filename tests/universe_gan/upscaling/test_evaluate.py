"""How true enlarged pictures are, by figures whose value is known, and the command that tells them."""

import contextlib
import io
import json
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter

pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("pyvips", reason="pyvips is not installed")
pytest.importorskip("sep", reason="sep is not installed")
pytest.importorskip("skimage", reason="scikit-image is not installed")

from small_nets import sky, written

from universe_gan.shell.cli import run
from universe_gan.shell.exits import Exit
from universe_gan.upscaling import evaluate, evaluation_page
from universe_gan.upscaling.evaluate import Figures, Judged
from universe_gan.upscaling.images import NoPicture, open_picture

Bytes = NDArray[np.uint8]


def starry(*places: tuple[int, int], side: int = 64) -> Bytes:
    """White points of a telescope's width on an even sky."""
    y, x = np.mgrid[:side, :side]
    picture = np.full((side, side), 40.0)
    for across, down in places:
        picture += 180 * np.exp(-((x - across) ** 2 + (y - down) ** 2) / (2 * 1.3**2))
    return np.repeat(picture.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)


def noisy(side: int = 64) -> Bytes:
    return np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)


def figures(psnr: float, flux: float | None = None) -> Figures:
    return Figures(psnr, 0.5, 1.0, 0 if flux is None else 3, flux, flux, None)


def test_a_picture_is_equal_to_itself() -> None:
    sky = starry((20, 20), (44, 40))
    assert evaluate.compare(sky, sky) == Figures(inf, 1.0, 0.0, 2, 1.0, 1.0, 0.0)


def test_one_level_of_difference_is_48_decibels_and_a_colour_shift_of_one() -> None:
    truth = np.full((32, 32, 3), 100, np.uint8)
    found = evaluate.compare(truth, truth + np.uint8(1))
    assert found.psnr == pytest.approx(48.1308, abs=1e-4)
    assert found.colour == 1
    assert (found.stars, found.flux, found.recall, found.invented) == (0, None, None, None)


def test_a_blur_lowers_every_figure() -> None:
    truth = starry((20, 20), (44, 40))
    mild, strong = (
        evaluate.compare(truth, np.asarray(Image.fromarray(truth).filter(ImageFilter.GaussianBlur(radius))))
        for radius in (0.7, 2.0)
    )
    assert inf > mild.psnr > strong.psnr
    assert 1 > mild.ssim > strong.ssim
    assert mild.flux is not None
    assert strong.flux is not None
    assert 1 > mild.flux > strong.flux


def test_an_added_star_is_invented_and_a_missing_one_not_found() -> None:
    two, three = starry((20, 20), (44, 40)), starry((20, 20), (44, 40), (20, 46))
    assert evaluate.compare(two, three).invented == pytest.approx(1 / 3)
    assert evaluate.compare(three, two).recall == pytest.approx(2 / 3)


def test_means_leave_out_what_a_picture_cannot_have() -> None:
    found = evaluate.mean([figures(inf), figures(20, flux=0.8), figures(30, flux=0.9), figures(40, flux=0.2)])
    assert (found.psnr, found.flux, found.stars, found.invented) == (30, 0.8, 9, None)
    assert found.recall == pytest.approx(1.9 / 3)
    assert evaluate.mean([figures(inf)]).psnr == inf


def test_back_projection_is_listed_without_the_network_too() -> None:
    assert evaluate.PROJECTED in evaluate.METHODS
    assert set(evaluation_page.ORDER) == set(evaluate.METHODS)


def test_ours_wins_only_where_it_is_nearer_than_lanczos() -> None:
    for ours, wins in ((31.0, True), (30.0, False), (29.0, False)):
        known = {evaluate.OURS: figures(ours), evaluate.LANCZOS: figures(30.0)}
        assert Judged("m42", (64, 64), known).wins is wins


def test_shrinking_keeps_an_even_picture_and_degrading_is_the_same_with_the_same_seed() -> None:
    even = np.full((64, 64, 3), 90, np.uint8)
    assert (evaluate.shrunk(even, 4) == np.full((16, 16, 3), 90)).all()
    worn = [evaluate.shrunk(even, 4, seed) for seed in (1, 1, 2)]
    assert (worn[0] == worn[1]).all()
    assert (worn[0] != worn[2]).any()
    assert worn[0].mean() == pytest.approx(90, abs=2)


@pytest.mark.parametrize(
    ("size", "kept"), [((64, 64), (64, 64)), ((67, 33), (64, 32)), ((1100, 40), (1024, 40))]
)
def test_pictures_are_cropped_in_the_middle_to_a_multiple_of_the_scale(
    tmp_path: Path, size: tuple[int, int], kept: tuple[int, int]
) -> None:
    height, width = size
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)).save(
        tmp_path / "picture.png"
    )
    opened = open_picture(tmp_path / "picture.png", "picture", max_pixels=10**7)
    found, notes = evaluate.truth(opened, 4)
    assert found.shape == (*kept, 3)
    assert bool(notes) is (size != kept)


def test_a_picture_of_few_pixels_is_refused(tmp_path: Path) -> None:
    Image.fromarray(noisy(31)).save(tmp_path / "tiny.png")
    opened = open_picture(tmp_path / "tiny.png", "tiny", max_pixels=10**7)
    with pytest.raises(NoPicture, match="31 x 31 pixels are too few"):
        evaluate.truth(opened, 4)


def told(*words: object) -> tuple[int, dict[str, Any]]:
    """Exit code and JSON of the command."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = run(["upscale", *map(str, words), "--weights", "net.pth", "--json", "--device", "cpu"])
    return code, json.loads(out.getvalue()) if out.getvalue() else {}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with small weights and one picture."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    written(tmp_path / "net.pth")
    Path("skies").mkdir()
    Image.fromarray((sky(64, 64, 0) * 255).astype(np.uint8)).save("skies/m42.png")
    return tmp_path


@pytest.mark.parametrize("degraded", [False, True])
def test_the_command_writes_figures_crops_and_a_page(place: Path, *, degraded: bool) -> None:
    code, found = told("skies", "--evaluate", *(["--degraded"] if degraded else []))
    folder = Path("upscaled/skies-evaluated")
    assert (code, found["folder"], found["degraded"]) == (Exit.DONE, str(folder), degraded)
    assert found["how"]["back_projections"] == (1 if degraded else 2)
    assert set(found["means"]) == set(evaluate.METHODS)
    kept = json.loads((folder / "evaluation.json").read_bytes())
    assert kept["pictures"] == found["pictures"]
    assert [one["name"] for one in kept["pictures"]] == ["m42"]
    with Image.open(folder / "crops/m42.png") as crops, Image.open(folder / "sheet.png") as sheet:
        assert crops.size == sheet.size == (7 * 64 + 6 * 2, 64)
    page = (folder / "evaluation.html").read_text(encoding="utf-8")
    assert "m42" in page
    assert "http" not in page.replace('http-equiv="', "")
    assert not (folder / "m42.png").exists()


def test_a_damaged_picture_is_named_and_the_rest_evaluated(place: Path) -> None:
    Path("skies/words.png").write_bytes(b"words")
    code, found = told("skies", "--evaluate")
    assert code == Exit.SOME_FAILED
    assert list(found["failed"]) == ["skies/words.png"]
    assert len(found["pictures"]) == 1


def test_a_dry_run_writes_nothing(place: Path) -> None:
    code, found = told("skies/m42.png", "--evaluate", "--dry-run")
    assert (code, found["pictures"]) == (Exit.DONE, 1)
    assert not Path("upscaled").exists()


def test_degraded_without_evaluate_is_a_mistake(place: Path) -> None:
    assert told("skies", "--degraded")[0] == Exit.USAGE
