"""StyleGAN2: modulation, path length, mixing."""

from math import log2
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from universe_gan.networks import stylegan2  # noqa: E402
from universe_gan.networks.stylegan2 import PathLength, Resampled, Styled  # noqa: E402


@pytest.mark.parametrize("demodulate", [True, False])
def test_modulation_is_a_convolution_with_weights_of_each_pictures_own(demodulate: bool) -> None:
    torch.manual_seed(0)
    layer = Styled(5, 7, 3, 4, demodulate=demodulate)
    x, styles = torch.randn(3, 5, 6, 6), torch.randn(3, 4)
    scales = layer.style(styles)
    for picture, scale, found in zip(x, scales, layer(x, styles), strict=True):
        weight = layer.conv.weight * layer.conv.scale * scale[None, :, None, None]
        if demodulate:
            weight = weight / (weight.square().sum(dim=(1, 2, 3), keepdim=True) + 1e-8).sqrt()
        assert torch.allclose(found, F.conv2d(picture[None], weight, padding=1)[0], atol=1e-5)


class Linear(nn.Module):
    """A generator whose pictures are `factor` times its styles: its path length is known."""

    side = 8

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(factor))

    def styles(self, latents: Any) -> Any:
        return latents.reshape(len(latents), 3, 64)

    def synthesis(self, styles: Any) -> Any:
        return (styles * self.factor).reshape(-1, 3, 8, 8)


def test_the_path_length_of_a_linear_generator_is_its_factor() -> None:
    torch.manual_seed(0)
    generator, regulariser = Linear(2.0), PathLength(torch.device("cpu"))
    for _ in range(400):
        loss = regulariser(generator, torch.randn(16, 192))
    # The slope is factor × noise / 8; its squares summed over 64 numbers and averaged over 3 layers: factor².
    assert float(regulariser.mean) == pytest.approx(2.0, rel=0.05)
    assert float(loss.detach()) * (log2(8) - 1) < 0.1
    with torch.no_grad():
        generator.factor.fill_(3.0)
    regulariser(generator, torch.randn(16, 192)).backward()
    assert float(generator.factor.grad) > 0


def test_styles_are_mixed_at_one_place_while_training_and_never_after() -> None:
    torch.manual_seed(0)
    net = stylegan2.Generator(32, latent=8, breadth=1 / 64)
    latents = torch.randn(200, 8)
    own = net.eval().styles(latents)
    assert torch.equal(own, own[:, :1].expand_as(own))
    mixed = net.train().styles(latents)
    same = (mixed == own).all(dim=2)
    assert same[:, 0].all()
    assert (same[:, :-1] >= same[:, 1:]).all()
    assert float((~same[:, -1]).float().mean()) == pytest.approx(stylegan2.MIXED, abs=0.08)


def test_truncation_0_draws_the_average_for_everybody() -> None:
    torch.manual_seed(0)
    net = stylegan2.Generator(32, latent=8, breadth=1 / 64).eval()
    with torch.no_grad():
        pictures = net(torch.randn(2, 8), truncation=0.0)
    assert torch.allclose(pictures[0], pictures[1], atol=1e-6)


def test_resampling_keeps_the_brightness_of_a_plain_map() -> None:
    plain = torch.ones(1, 2, 16, 16)
    assert torch.allclose(Resampled(up=True)(plain)[..., 2:-2, 2:-2], torch.ones(1, 2, 28, 28), atol=1e-6)
    assert torch.allclose(Resampled(up=False)(plain)[..., 1:-1, 1:-1], torch.ones(1, 2, 6, 6), atol=1e-6)


def test_minibatch_deviation_is_0_for_equal_pictures_and_sees_variety() -> None:
    same = torch.randn(1, 3, 4, 4).expand(4, -1, -1, -1)
    assert float(stylegan2._deviation(same).max()) < 1e-3
    assert float(stylegan2._deviation(torch.randn(4, 3, 4, 4)).min()) > 0.3
