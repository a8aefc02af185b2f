"""Worn pictures: light is conserved, noise and JPEG are what was asked, a seed says it all."""

from io import BytesIO
from math import pi, sqrt

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from small_nets import sky  # noqa: E402

from universe_gan.upscaling import degrade  # noqa: E402
from universe_gan.upscaling.degrade import bytewise, jpeg, moffat, noisy, spread, worn  # noqa: E402
from universe_gan.upscaling.fidelity import smaller  # noqa: E402
from universe_gan.upscaling.tune_settings import TuneSettings  # noqa: E402

WORN = TuneSettings(clean=0)


def skies(count: int = 4, side: int = 64) -> torch.Tensor:
    return torch.stack([torch.from_numpy(sky(side, side, seed)).permute(2, 0, 1) for seed in range(count)])


def point(
    fwhm: float, wings: float, longer: float = 1.0, along: float = 0.0, radius: int = 24
) -> torch.Tensor:
    return moffat(*(torch.tensor([value]) for value in (fwhm, wings, longer, along)), radius)[0]


@pytest.mark.parametrize("wings", degrade.WINGS)
@pytest.mark.parametrize("fwhm", [4.0, 8.0])
def test_a_point_is_half_as_bright_at_half_the_width_asked(fwhm: float, wings: float) -> None:
    kernel = point(fwhm, wings)
    assert kernel.sum() == pytest.approx(1)
    line = kernel[24].numpy()
    inner, outer = line[24 + int(fwhm / 2) - 1], line[24 + int(fwhm / 2) + 1]
    assert outer < line[24] / 2 < inner
    assert line[24 + int(fwhm / 2)] == pytest.approx(line[24] / 2, rel=0.08)


def test_an_uneven_point_is_longer_along_its_angle_only() -> None:
    level, upright = point(6, 4, 1.15), point(6, 4, 1.15, pi / 2)
    assert level[24, 28] > level[28, 24] * 1.1
    assert torch.allclose(level, upright.T, atol=1e-6)


def test_a_star_keeps_its_light_and_each_picture_has_its_own_spread() -> None:
    stars = torch.zeros(2, 3, 65, 65)
    stars[:, :, 32, 32] = 1
    kernels = torch.stack([point(2, 3, radius=12), point(8, 3, radius=12)])
    made = spread(stars, kernels)
    assert torch.allclose(made.sum(dim=(2, 3)), torch.ones(2, 3), atol=1e-5)
    assert made[0, 0, 32, 32] > 4 * made[1, 0, 32, 32]
    flat = torch.full((1, 3, 20, 20), 0.25)
    assert torch.allclose(spread(flat, kernels[:1]), flat, atol=1e-6)


@pytest.mark.parametrize("level", [0.0, 0.2, 0.8])
def test_noise_is_as_strong_as_the_photons_and_the_sensor_make_it(level: float) -> None:
    torch.manual_seed(0)
    flat = torch.full((2, 3, 100, 100), level)
    photons, read = torch.full((2, 1, 1, 1), 400.0), torch.full((2, 1, 1, 1), 0.02)
    made = noisy(flat, photons, read)
    assert float(made.std()) == pytest.approx(sqrt(level / 400 + 0.02**2), rel=0.02)
    assert float(made.mean()) == pytest.approx(level, abs=1e-3)


@pytest.mark.parametrize("quality", [30, 75, 95])
def test_jpeg_is_what_pillow_makes_of_it(quality: int) -> None:
    picture = sky(50, 70, 3)
    levels = (picture * 255).round().astype(np.uint8)
    file = BytesIO()
    Image.fromarray(levels).save(file, "JPEG", quality=quality, subsampling=2)
    theirs = np.asarray(Image.open(file), np.float32)
    ours = jpeg(torch.from_numpy(levels / np.float32(255)).permute(2, 0, 1)[None], torch.tensor([quality]))
    mine = ours[0].permute(1, 2, 0).numpy() * 255
    apart = np.abs(mine - theirs).mean()
    lost = np.abs(levels - theirs).mean()
    assert apart < 0.8
    assert apart < lost / 2
    assert np.abs(levels - mine).mean() == pytest.approx(lost, rel=0.1)


def test_worn_pictures_are_bytes_within_black_and_white_a_quarter_as_wide() -> None:
    torch.manual_seed(0)
    made = worn(skies(), WORN, 4)
    assert made.shape == (4, 3, 16, 16)
    assert made.min() >= 0
    assert made.max() <= 1
    assert torch.allclose(made * 255, (made * 255).round(), atol=1e-3)


def test_the_same_seed_wears_alike_and_another_does_not() -> None:
    made = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        made.append(worn(skies(), WORN, 4))
    assert torch.equal(made[0], made[1])
    assert not torch.equal(made[0], made[2])


def test_wear_is_mild_and_clean_ones_are_only_shrunk() -> None:
    torch.manual_seed(0)
    clean = bytewise(smaller(skies(), 4))
    assert torch.equal(worn(skies(), TuneSettings(clean=1), 4), clean)
    made = worn(skies(), WORN, 4)
    assert 0.002 < (made - clean).abs().mean() < 0.03
    # no sharpening: nothing varies more than before but by its noise
    quiet = TuneSettings(clean=0, noise=0, photons=1e12, jpeg_share=0)
    assert worn(skies(), quiet, 4).std() <= clean.std() * 1.005
