"""Checkpoints of the lightweight-gan package."""

import hashlib
import pickle
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

import peers  # noqa: E402

from universe_gan.networks import interchange, lightweight  # noqa: E402
from universe_gan.training.checkpoints import CheckpointBroken, into_module, of_module  # noqa: E402
from universe_gan.training.settings import TrainSettings  # noqa: E402

# Of the package's networks in its version 1.2.1: how many, and SHA-256 of sorted lines of "name (shape)".
NAMES = {
    64: ((62, "e9d9680badc4ac73"), (83, "6d86a787bef9825d")),
    256: ((96, "97a0e64b1dd8e824"), (99, "8e86990f700dcda5")),
    512: ((113, "4a5ab1f9e86f1026"), (118, "e0558de5221e38a4")),
    1024: ((130, "694c6da88383c133"), (121, "eec34a94c0ba467f")),
}


def named(net: Any) -> tuple[int, str]:
    lines = sorted(f"{name} {tuple(one.shape)}" for name, one in net.state_dict().items())
    return len(lines), hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


@pytest.mark.parametrize("side", [64, 256, 512, 1024])
def test_parameters_bear_the_names_and_shapes_that_they_have_in_the_package(side: int) -> None:
    with torch.device("meta"):
        generator = lightweight.Generator(side, attention=(32,))
        discriminator = lightweight.Discriminator(side, attention=(32,))
    assert (named(generator), named(discriminator)) == NAMES[side]


@pytest.fixture(scope="module")
def package() -> Any:
    try:
        return peers.lightweight_gan()
    except ImportError as error:
        pytest.skip(str(error))


def of_package(package: Any, attention: list[int]) -> tuple[Any, dict[str, Any]]:
    """A generator of the package, at 64 px, and the checkpoint that its trainer would write."""
    torch.manual_seed(0)
    options = {"image_size": 64, "attn_res_layers": attention}
    nets = {"G": package.Generator(**options), "GE": package.Generator(**options)}
    nets["D"] = package.Discriminator(**options)
    state = {f"{key}.{name}": one for key, net in nets.items() for name, one in net.state_dict().items()}
    state |= {f"D_aug.{name}": one for name, one in state.items() if name.startswith("D.")}
    return nets["GE"].eval(), {"GAN": state, "version": "1.2.1", "G_scaler": {}, "D_scaler": {}}


def test_a_checkpoint_of_the_package_draws_the_same_pictures_here(package: Any, tmp_path: Path) -> None:
    theirs, held = of_package(package, [32])
    torch.save(held, tmp_path / "model_12.pt")
    found = interchange.read(tmp_path / "model_12.pt")
    assert (found.side, found.settings.latent, found.settings.attention) == (64, 256, (32,))
    ours = lightweight.Generator(64, attention=found.settings.attention)
    into_module("average", ours, found.tensors)
    latents = torch.randn(2, 256)
    with torch.inference_mode():
        difference = (ours.eval()(latents) + 1) / 2 - theirs(latents)
    assert difference.abs().max() <= 1e-4


def test_the_discriminators_say_the_same(package: Any) -> None:
    torch.manual_seed(0)
    theirs = package.Discriminator(image_size=64, attn_res_layers=[32])
    ours = lightweight.Discriminator(64, attention=(32,))
    ours.load_state_dict(theirs.state_dict())
    pictures = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        large, small, restoration = theirs(pictures, calc_aux_loss=True)
        verdicts = ours(pictures, restore=True)
    assert torch.allclose(verdicts.heads[0], -large, atol=1e-4)
    assert torch.allclose(verdicts.heads[1], -small.flatten(1), atol=1e-4)
    assert torch.allclose(verdicts.restoration, restoration, atol=1e-4)


def toy(latent: int = 8) -> tuple[Any, dict[str, Any], TrainSettings]:
    """Networks of the package's structure at 32 px, with a short latent, as our checkpoint holds them."""
    torch.manual_seed(0)
    generator = lightweight.Generator(32, latent=latent)
    parts = {
        "generator": generator,
        "average": generator,
        "discriminator": lightweight.Discriminator(32),
    }
    tensors = {name: one for key, net in parts.items() for name, one in of_module(key, net).items()}
    return generator, tensors, TrainSettings(size=32, latent=latent, attention=())


def test_what_is_written_for_the_package_comes_back_the_same(tmp_path: Path) -> None:
    generator, tensors, settings = toy()
    interchange.write(tmp_path / "model_1.pt", tensors, settings)
    held = torch.load(tmp_path / "model_1.pt", weights_only=True)
    assert {name.split(".")[0] for name in held["GAN"]} == {"G", "D", "GE", "D_aug"}
    found = interchange.read(tmp_path / "model_1.pt")
    assert (found.side, found.settings.latent, found.settings.attention) == (32, 8, ())
    again = lightweight.Generator(32, latent=8)
    into_module("average", again, found.tensors)
    latents = torch.randn(2, 8)
    with torch.inference_mode():
        assert torch.allclose(again.eval()(latents), generator.eval()(latents), atol=1e-5)


def test_pictures_written_for_the_package_go_from_0_to_1(tmp_path: Path) -> None:
    generator, tensors, settings = toy()
    interchange.write(tmp_path / "model_1.pt", tensors, settings)
    state = torch.load(tmp_path / "model_1.pt", weights_only=True)["GAN"]
    theirs = lightweight.Generator(32, latent=8)
    theirs.load_state_dict({name[2:]: one for name, one in state.items() if name.startswith("G.")})
    latents = torch.randn(2, 8)
    with torch.inference_mode():
        ours, written = generator.eval()(latents), theirs.eval()(latents)
    assert torch.allclose(written, (ours + 1) / 2, atol=1e-5)


@pytest.mark.parametrize("change", [{"breadth": 0.5}, {"model": "stylegan2"}, {"discriminator": "projected"}])
def test_other_networks_are_not_written_for_the_package(change: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(interchange.NotInterchangeable):
        interchange.write(tmp_path / "model_1.pt", {}, TrainSettings(**change))
    assert not list(tmp_path.iterdir())


class Harm:
    """What a harmful file would run."""

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return Path.touch, (Path("harmed"),)


def test_code_in_a_checkpoint_is_refused_and_never_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"GAN": Harm()}, tmp_path / "model_1.pt")
    (tmp_path / "model_2.pt").write_bytes(pickle.dumps(Harm(), 2))
    for number in (1, 2):
        with pytest.raises(CheckpointBroken):
            interchange.read(tmp_path / f"model_{number}.pt")
    assert not (tmp_path / "harmed").exists()


def test_a_checkpoint_of_the_package_can_be_drawn_from(tmp_path: Path) -> None:
    from universe_gan.generate import Generator

    _, tensors, settings = toy()
    interchange.write(tmp_path / "model_3.pt", tensors, settings)
    drawn = Generator.load(tmp_path / "model_3.pt", "cpu")
    assert [picture.shape for picture in drawn.pictures([1, 2])] == [(32, 32, 3)] * 2
    facts = drawn.provenance(seed=1)
    assert facts["synthetic"] is True
    assert "not known" in facts["dataset"]
