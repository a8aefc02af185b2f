"""Both pairs of networks: shapes, memory, sizes."""

from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from universe_gan.networks import chosen, table  # noqa: E402
from universe_gan.networks.verdicts import Verdicts, hinge, logistic, sureness  # noqa: E402
from universe_gan.training.settings import TrainSettings  # noqa: E402

MODELS = ("lightweight", "stylegan2")


def pair(model: str, side: int, **more: Any) -> tuple[Any, Any]:
    torch.manual_seed(0)
    settings = TrainSettings(**{"model": model, "breadth": 1 / 64, "latent": 16, "attention": (16,), **more})
    return table()[model].generator(settings, side), table()[model].discriminator(settings, side)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("side", [32, 64, 128])
def test_pictures_come_out_at_the_side_asked_for_and_are_judged(model: str, side: int) -> None:
    generator, discriminator = pair(model, side)
    with torch.no_grad():
        pictures = generator(torch.randn(2, 16))
        verdicts = discriminator(pictures, restore=True)
    assert pictures.shape == (2, 3, side, side)
    assert all(len(head) == 2 and head.dim() == 2 for head in verdicts.heads)
    assert pictures.isfinite().all()


@pytest.mark.parametrize("model", MODELS)
def test_the_largest_side_builds_without_running(model: str) -> None:
    with torch.device("meta"):
        generator, discriminator = pair(model, 1024)
        verdicts = discriminator(generator(torch.randn(2, 16)))
    assert len(verdicts.heads[0]) == 2


@pytest.mark.parametrize("model", MODELS)
def test_every_map_stays_channels_last(model: str) -> None:
    broken = []

    def look(module: Any, given: Any, out: Any) -> None:
        is_map = torch.is_tensor(out) and out.dim() == 4
        if is_map and not out.is_contiguous(memory_format=torch.channels_last):
            broken.append((type(module).__name__, tuple(out.shape)))

    for net, given in zip(pair(model, 64), (torch.randn(2, 16), torch.randn(2, 3, 64, 64)), strict=True):
        net.to(memory_format=torch.channels_last)
        for part in net.modules():
            part.register_forward_hook(look)
        last = given.dim() == 4
        net(given.to(memory_format=torch.channels_last) if last else given)
    assert not broken


@pytest.mark.parametrize("model", MODELS)
def test_breadth_one_64th_is_a_toy(model: str) -> None:
    assert all(sum(one.numel() for one in net.parameters()) < 60_000 for net in pair(model, 32))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("breadth", [0.01, 0.03, 0.1, 0.3, 0.7])
def test_any_breadth_builds_networks_that_work(model: str, breadth: float) -> None:
    with torch.device("meta"):
        generator, discriminator = pair(model, 64, breadth=breadth)
        pictures = generator(torch.randn(2, 16))
        verdicts = discriminator(pictures, restore=True)
    assert pictures.shape == (2, 3, 64, 64)
    assert len(verdicts.heads[0]) == 2


def test_a_side_that_is_no_power_of_two_is_refused() -> None:
    for model in MODELS:
        with pytest.raises(ValueError, match="power of two"):
            pair(model, 48)


def test_a_generated_picture_does_not_depend_on_those_beside_it() -> None:
    for model in MODELS:
        generator = pair(model, 32)[0].eval()
        latents = torch.randn(3, 16)
        with torch.no_grad():
            assert torch.allclose(generator(latents)[1:2], generator(latents[1:2]), atol=1e-5)


def test_the_losses_have_known_values() -> None:
    sure, unsure = Verdicts((torch.full((4, 1), 2.0),)), Verdicts((torch.zeros(4, 1),))
    assert hinge(sure, Verdicts((torch.full((4, 1), -2.0),))) == 0
    assert hinge(unsure, unsure) == 2
    assert float(logistic(unsure, unsure)) == pytest.approx(2 * 0.693147, abs=1e-5)
    assert sureness(sure).tolist() == [2, 2, 2, 2]


def test_an_own_discriminator_sees_through_no_frozen_network() -> None:
    assert all(chosen(TrainSettings(model=model)).backbone is None for model in MODELS)
