"""Linear and neighbourhood attention."""

from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from torch.nn import functional as F  # noqa: E402

from universe_gan.networks.attention import LinearAttention  # noqa: E402


def by_definition(net: Any, x: Any) -> Any:
    """The same, with the window of every pixel copied out."""
    batch, _, height, width = x.shape
    shape = batch, net.heads, -1, height * width

    def heads(maps: Any) -> Any:
        return maps.reshape(shape)

    keys, values = (heads(one) for one in net.to_lin_kv(x).chunk(2, dim=1))
    queries = heads(net.to_lin_q(x)).softmax(dim=2) * net.scale
    everywhere = torch.einsum("bhdn,bhen,bhdm->bhem", keys.softmax(dim=3), values, queries)
    keys, values = (
        F.unfold(one, net.window, padding=net.window // 2).reshape(
            batch, net.heads, -1, net.window**2, height * width
        )
        for one in net.to_kv(x).chunk(2, dim=1)
    )
    likeness = torch.einsum("bhdn,bhdwn->bhwn", heads(net.to_q(x)) * net.scale, keys)
    nearby = torch.einsum("bhwn,bhdwn->bhdn", likeness.softmax(dim=2), values)
    both = [one.reshape(batch, -1, height, width) for one in (F.gelu(everywhere), nearby)]
    return net.to_out(torch.cat(both, dim=1))


@pytest.mark.parametrize(
    ("height", "width", "window"), [(8, 8, 3), (4, 12, 3), (6, 5, 3), (8, 8, 5), (1, 4, 3)]
)
def test_it_is_what_the_definition_says_and_so_are_its_slopes(height: int, width: int, window: int) -> None:
    torch.manual_seed(0)
    net = LinearAttention(6, head_channels=5, heads=2, window=window)
    x = torch.randn(2, 6, height, width, requires_grad=True)
    ours, theirs = net(x), by_definition(net, x)
    assert torch.allclose(ours, theirs, atol=1e-6)
    weights = torch.randn_like(ours)
    learned = [x, *net.parameters()]
    pairs = zip(
        torch.autograd.grad(ours, learned, weights),
        torch.autograd.grad(theirs, learned, weights),
        strict=True,
    )
    assert all(torch.allclose(one, other, atol=1e-5) for one, other in pairs)


def test_its_first_and_second_derivatives_are_right() -> None:
    torch.manual_seed(0)
    net = LinearAttention(2, head_channels=2, heads=1).double()
    x = torch.randn(1, 2, 8, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(net, (x,))
    assert torch.autograd.gradgradcheck(net, (x[:, :, :4].detach().requires_grad_(True),))


def test_a_penalty_on_its_slope_can_be_learned_from() -> None:
    torch.manual_seed(0)
    net = LinearAttention(4, head_channels=4, heads=2)
    found = []
    for attend in (net, lambda x: by_definition(net, x)):
        x = torch.ones(1, 4, 4, 4, requires_grad=True) * torch.linspace(-1, 1, 4)
        (slope,) = torch.autograd.grad(attend(x).square().sum(), x, create_graph=True)
        found.append(torch.autograd.grad(slope.square().sum(), net.to_kv.weight)[0])
    assert torch.allclose(*found, rtol=1e-3, atol=1e-6)


def test_maps_stay_channels_last_and_bf16_is_near() -> None:
    torch.manual_seed(0)
    net = LinearAttention(8, head_channels=8, heads=2)
    x = torch.randn(2, 8, 8, 8).to(memory_format=torch.channels_last)
    whole = net(x)
    with torch.autocast("cpu", torch.bfloat16):
        rough = net(x)
    assert whole.is_contiguous(memory_format=torch.channels_last)
    assert torch.allclose(whole, rough.float(), atol=0.03)


def test_drawing_first_does_not_keep_it_from_learning_later() -> None:
    net = LinearAttention(4, head_channels=4, heads=1)
    with torch.inference_mode():
        net(torch.randn(1, 4, 12, 4))
    net(torch.randn(1, 4, 12, 4)).sum().backward()
    assert net.to_q.weight.grad is not None
