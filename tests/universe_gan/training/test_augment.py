"""Symmetries, augmentations and what controls them."""

from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from universe_gan.training import augment as changes  # noqa: E402
from universe_gan.training.augment import Controller, augment, turned  # noqa: E402

NEVER, ALWAYS = torch.zeros(()), torch.ones(())


def seeded(pictures: Any, probability: Any = ALWAYS) -> Any:
    torch.manual_seed(0)
    return augment(pictures, probability)


def test_probability_0_changes_nothing() -> None:
    pictures = torch.rand(4, 3, 16, 16) * 2 - 1
    assert torch.allclose(seeded(pictures, NEVER), pictures, atol=1e-6)


def test_slopes_are_right() -> None:
    pictures = (torch.rand(2, 3, 8, 8, dtype=torch.float64) * 2 - 1).requires_grad_(True)
    assert torch.autograd.gradcheck(seeded, (pictures,), fast_mode=True)
    assert torch.autograd.gradgradcheck(seeded, (pictures,), fast_mode=True)


def test_nothing_leaks_from_one_picture_into_another() -> None:
    pictures = torch.rand(3, 3, 16, 16).requires_grad_(True)
    (slope,) = torch.autograd.grad(seeded(pictures)[1].sum(), pictures)
    assert slope[1].abs().sum() > 0
    assert slope[[0, 2]].abs().sum() == 0


def test_pictures_are_changed_as_often_as_asked_for_each_by_itself() -> None:
    torch.manual_seed(0)
    pictures = torch.rand(1, 3, 8, 8).expand(2000, -1, -1, -1)
    changed = (changes._with_hole(pictures, torch.tensor(0.3)) != pictures).flatten(1).any(dim=1)
    assert float(changed.float().mean()) == pytest.approx(0.3, abs=0.04)


def test_brightness_saturation_and_contrast_keep_to_their_ranges() -> None:
    torch.manual_seed(0)
    gray = torch.zeros(1000, 3, 4, 4)
    brightness = changes._recoloured(gray, ALWAYS)[:, 0, 0, 0]
    assert -0.5 <= float(brightness.min()) < -0.45
    assert 0.45 < float(brightness.max()) <= 0.5
    coloured = torch.tensor([1.0, 0.0, -1.0])[None, :, None, None].expand(1000, -1, 4, 4)
    found = changes._recoloured(coloured, ALWAYS)
    spread = (found[:, 0] - found[:, 2])[:, 0, 0] / 2
    assert float(spread.min()) >= 0
    assert float(spread.mean()) == pytest.approx(1, abs=0.1)
    assert float(spread.max()) <= 3


def test_a_shift_moves_whole_pixels_and_fills_with_gray() -> None:
    torch.manual_seed(0)
    pictures = torch.zeros(200, 1, 16, 16)
    pictures[:, :, 8, 8] = 1
    places = changes._shifted(pictures, ALWAYS).nonzero()
    assert len(places) == 200
    assert places[:, 2:].min() == 6
    assert places[:, 2:].max() == 10


def test_a_hole_is_at_most_a_quarter_and_at_least_a_sixteenth() -> None:
    torch.manual_seed(0)
    gone = 1 - changes._with_hole(torch.ones(500, 1, 16, 16), ALWAYS).mean(dim=(1, 2, 3))
    assert float(gone.min()) > 1 / 20
    assert float(gone.max()) <= 1 / 4


@pytest.mark.parametrize(("symmetry", "ways"), [("none", 1), ("mirror", 2), ("all", 8)])
def test_a_picture_is_laid_in_each_way_alike(symmetry: Any, ways: int) -> None:
    torch.manual_seed(0)
    picture = torch.arange(16.0).reshape(1, 1, 4, 4).expand(2000, -1, -1, -1)
    found, counts = turned(picture, symmetry).flatten(1).unique(dim=0, return_counts=True)
    assert len(found) == ways
    assert counts.min() > 0.7 * 2000 / ways


def test_the_controller_holds_its_target() -> None:
    torch.manual_seed(0)
    controller = Controller(torch.device("cpu"), target=0.6, kimg=5)
    for _ in range(2000):  # a discriminator that is the less sure the more is changed
        sure = 1 - 0.8 * controller.probability  # mean sign: 0.6 at a probability of 0.5
        controller.watch((torch.rand(64) < (1 + sure) / 2).float() - 0.5, 64)
    assert float(controller.probability) == pytest.approx(0.5, abs=0.1)
    assert float(controller.overfitting) == pytest.approx(0.6, abs=0.1)


def test_the_controller_goes_on_where_it_was() -> None:
    one, other = (Controller(torch.device("cpu")) for _ in range(2))
    one.watch(torch.ones(8), 64)
    other.load(one.state())
    assert float(other.probability) == float(one.probability) > 0
