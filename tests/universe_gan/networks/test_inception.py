"""Inception as published FIDs see: its layout, its resizing, and the weights of the user."""

import sys
from importlib import import_module, util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from universe_gan.measuring.extractors import choose  # noqa: E402
from universe_gan.networks import inception  # noqa: E402
from universe_gan.networks.inception import WeightsUnfit  # noqa: E402


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of random weights in the layout of torch-fidelity's."""
    torch.manual_seed(0)
    state = inception.Inception().state_dict()
    for name, value in state.items():
        if name.endswith("running_var"):
            value.uniform_(0.5, 1.5)
        elif value.dim() == 4:
            value.normal_(0, (2 / value[0].numel()) ** 0.5)
        elif name.endswith(("bias", "running_mean")):
            value.normal_(0, 0.1)
    path = tmp_path_factory.mktemp("weights") / "inception.pth"
    torch.save({**state, "fc.weight": torch.zeros(1008, 2048), "fc.bias": torch.zeros(1008)}, path)
    return path


def test_it_sees_2048_features_whatever_the_side(weights: Path) -> None:
    found = choose(f"inception:{weights}", "lite0")
    assert found.name.startswith("inception-")
    for side in (32, 80):
        pixels = np.random.default_rng(0).integers(0, 256, (2, side, side, 3), np.uint8)
        features = found(pixels)
        assert features.shape == (2, 2048)
        assert np.abs(features[0] - features[1]).max() > 1e-3


def test_its_weights_are_as_many_as_published() -> None:
    assert sum(one.numel() for one in inception.Inception().parameters()) == 21_785_568


def test_resizing_keeps_the_first_pixel_and_looks_forward() -> None:
    line = torch.tensor([0.0, 10.0, 20.0, 30.0]).view(1, 1, 1, 4).repeat(1, 1, 4, 1)
    assert inception.resized(line, 8)[0, 0, 0].tolist() == [0, 5, 10, 15, 20, 25, 30, 30]
    assert inception.resized(line, 2)[0, 0, 0].tolist() == [0, 20]


def test_features_are_those_of_torch_fidelity(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = util.find_spec("torch_fidelity")
    if spec is None or spec.submodule_search_locations is None:
        pytest.skip("torch-fidelity is not installed")
    package = ModuleType("torch_fidelity")  # its own __init__ would import torchvision
    package.__path__ = list(spec.submodule_search_locations)
    monkeypatch.setitem(sys.modules, "torch_fidelity", package)
    theirs = import_module("torch_fidelity.feature_extractor_inceptionv3")
    net = theirs.FeatureExtractorInceptionV3("inception", ["2048"], str(weights))
    pictures = torch.randint(0, 256, (2, 3, 40, 40), dtype=torch.uint8)
    with torch.inference_mode():
        (expected,) = net(pictures)
        assert torch.allclose(inception.load(weights)(pictures), expected, atol=1e-4)


def test_a_file_that_is_missing_or_of_another_network_is_said(tmp_path: Path) -> None:
    words = tmp_path / "words.pth"
    words.write_text("no weights")
    other = tmp_path / "other.pth"
    torch.save({"layer.weight": torch.zeros(3)}, other)
    lone = tmp_path / "lone.pth"
    torch.save(torch.zeros(3), lone)
    for path, problem in [
        (tmp_path / "missing.pth", "no such file"),
        (words, "no file of weights"),
        (other, "another network"),
        (lone, "another network"),
    ]:
        with pytest.raises(WeightsUnfit, match=problem):
            choose(f"inception:{path}", None)


def test_code_in_a_file_of_weights_is_never_run(tmp_path: Path) -> None:
    path = tmp_path / "evil.pth"
    torch.save({"conv": _Evil(tmp_path / "ran")}, path)
    with pytest.raises(WeightsUnfit):
        inception.load(path)
    assert not (tmp_path / "ran").exists()


class _Evil:
    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.trace,)
