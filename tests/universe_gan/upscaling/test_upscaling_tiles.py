"""Tiles: no seam at the radius of the network, memory that runs out is found again, nothing large is held."""

import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("pyvips", reason="pyvips is not installed")

from small_nets import crop, network, sky, weights  # noqa: E402
from torch import nn  # noqa: E402

from universe_gan.upscaling import weights as real  # noqa: E402
from universe_gan.upscaling.fidelity import back_projected, lanczos, smaller  # noqa: E402
from universe_gan.upscaling.rrdbnet import RRDBNet  # noqa: E402
from universe_gan.upscaling.tiles import Array, Cut, Floats, MemoryShort, Room, enlarged  # noqa: E402
from universe_gan.upscaling.upscaler import LEAST, NotFinite, ScaleUnfit, Upscaler, precision_of  # noqa: E402


def repeated(batch: Floats) -> Floats:
    """A network that sees one pixel only."""
    return batch.repeat(4, 1).repeat(4, 2)


def whole(picture: Floats, cut: Cut, run=repeated, room: Room | None = None) -> Floats:  # type: ignore[no-untyped-def]
    return np.concatenate(list(enlarged(Array(picture), run, scale=4, cut=cut, room=room)))


@pytest.mark.parametrize(
    ("height", "width", "side", "overlap"),
    [(100, 77, 32, 16), (33, 200, 32, 64), (1, 1, 32, 64), (1, 300, 64, 8), (65, 64, 64, 0), (40, 41, 7, 30)],
)
def test_tiles_make_the_whole_picture(height: int, width: int, side: int, overlap: int) -> None:
    picture = sky(height, width)
    for fade in (0, overlap // 4, overlap):
        made = whole(picture, Cut(side, overlap, fade))
        assert made.shape == (4 * height, 4 * width, 3)
        assert np.abs(made - repeated(picture[None])[0]).max() < 1e-6


@pytest.mark.parametrize("corner", [0, 2])
@pytest.mark.parametrize(("scale", "enlargements"), [(4, 2), (2, 2), (2, 1), (1, 0)])
def test_with_the_radius_as_margin_tiles_cannot_be_told_and_with_less_they_can(
    scale: int, enlargements: int, corner: int
) -> None:
    net = far_sighted(network(scale, enlargements=enlargements).double(), corner)  # type: ignore[arg-type]
    picture = np.random.default_rng(0).random((72, 76, 3))

    def run(batch: Floats) -> Floats:
        with torch.inference_mode():
            made = net(torch.from_numpy(batch).permute(0, 3, 1, 2))
        return made.permute(0, 2, 3, 1).numpy()  # type: ignore[no-any-return]

    untiled = run(picture[None])[0]
    worst = []
    for margin in (net.radius, net.radius - net.fold):
        cut = Cut(24, margin, 0, net.fold)
        made = np.concatenate(list(enlarged(Array(picture), run, scale=scale, cut=cut)))  # type: ignore[arg-type]
        worst.append(np.abs(made - untiled).max())
    assert worst[0] < 1e-6
    assert worst[1] > 1e-3, "the radius is larger than it need be"


def far_sighted(net: RRDBNet, corner: int) -> RRDBNet:
    """Every convolution looks at one corner only, so that the farthest pixel counts as much as any."""
    for name, module in net.named_modules():
        if isinstance(module, nn.Conv2d):
            newest = 4 if name[-5:] in ("conv2", "conv3", "conv4", "conv5") else module.in_channels
            module.weight.zero_()
            module.bias.zero_()  # type: ignore[union-attr]
            module.weight[:, -newest:, corner, corner] = (5 if name.endswith("conv5") else 1) / newest
    return net


def test_exact_margins_make_an_upscaler_independent_of_its_tiles() -> None:
    picture = sky(90, 100)
    found = [
        Upscaler(weights(blocks=2), side=side, exact=True, batch=1).enlarge(picture) for side in (32, 45, 256)
    ]
    assert np.abs(found[0] - found[2]).max() < 1e-6
    assert np.abs(found[1] - found[2]).max() < 1e-6
    loose = Upscaler(weights(blocks=2), side=32, overlap=4).enlarge(picture)
    assert np.abs(loose - found[2]).max() > 1e-4


def test_the_usual_margin_shows_no_seam_among_stars() -> None:
    if real.packaged_path() is None:
        pytest.skip(f"{real.PACKAGE} is not installed")
    found = real.find("packaged")
    picture = crop("ngc2244-rosette.jpg", 40, 60, 160)[:40]
    untiled = Upscaler(found, side=256).enlarge(picture)
    errors = {}
    for overlap in (8, 64):
        tiled = Upscaler(found, side=80, overlap=overlap).enlarge(picture)
        errors[overlap] = np.abs(tiled - untiled).max() * 255
    assert errors[64] < 2, errors
    assert errors[8] > 2 * errors[64], errors


def test_what_does_not_fit_is_halved_and_remembered_and_comes_out_the_same() -> None:
    seen: list[tuple[int, ...]] = []

    def lean(batch: Floats) -> Floats:
        if batch[..., 0].size > 80 * 80:
            raise MemoryShort(max(batch.shape[1:3]))
        seen.append(batch.shape)
        return repeated(batch)

    picture, room = sky(150, 170), Room(128, 4)
    made = whole(picture, Cut(128, 16, 4), lean, room)
    assert np.abs(made - repeated(picture[None])[0]).max() < 1e-6
    assert (room.batch, room.side < 128) == (1, True)
    tries = len(seen)
    assert np.abs(whole(picture, Cut(128, 16, 4), lean, room) - made).max() < 1e-6
    assert tries < 60


def test_a_batch_that_does_not_fit_goes_in_halves() -> None:
    sizes: list[int] = []

    def lean(batch: Floats) -> Floats:
        sizes.append(len(batch))
        if len(batch) > 2:
            raise MemoryShort(max(batch.shape[1:3]))
        return repeated(batch)

    picture, room = sky(32, 32 * 12), Room(32, 8)
    made = whole(picture, Cut(32, 0, 0), lean, room)
    assert np.abs(made - repeated(picture[None])[0]).max() < 1e-6
    assert (sizes, room) == ([8, 4, 2, 2, 4, 2, 2, 2, 2], Room(32, 2))


def test_what_fits_nowhere_is_said() -> None:
    def never(batch: Floats) -> Floats:
        raise MemoryShort(max(batch.shape[1:3]))

    with pytest.raises(MemoryShort):
        whole(sky(100, 100), Cut(64, 8, 2), never)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried 9 bytes"),
        MemoryError(),
    ],
)
def test_memory_that_runs_out_in_the_network_changes_nothing_in_the_result(error: Exception) -> None:
    picture = sky(100, 96)
    expected = Upscaler(weights(), side=128, exact=True).enlarge(picture)
    upscaler = Upscaler(weights(), side=128, exact=True)
    tries: list[int] = []

    def short(module: nn.Module, given: tuple[torch.Tensor, ...]) -> None:
        tries.append(given[0].shape[2] * given[0].shape[3])
        if tries[-1] > 90 * 90:
            raise error

    upscaler.net.register_forward_pre_hook(short)
    assert np.abs(upscaler.enlarge(picture) - expected).max() < 1e-6
    before = len(tries)
    assert max(tries) > 90 * 90
    upscaler.enlarge(picture)
    assert max(tries[before:]) <= 90 * 90, "what did not fit was tried again"


def test_another_error_in_the_network_is_not_taken_for_want_of_memory() -> None:
    upscaler = Upscaler(weights())

    def broken(module: nn.Module, given: tuple[torch.Tensor, ...]) -> None:
        raise RuntimeError("a kernel failed")

    upscaler.net.register_forward_pre_hook(broken)
    with pytest.raises(RuntimeError, match="a kernel failed"):
        upscaler.enlarge(sky(8, 8))


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), 0.0])
def test_what_half_precision_spoils_is_made_again_in_fp32_and_said(wrong: float) -> None:
    picture = sky(20, 24)
    expected = Upscaler(weights()).enlarge(picture)
    upscaler = Upscaler(weights(), precision=torch.bfloat16)

    def spoilt(module: nn.Module, given: object, made: torch.Tensor) -> torch.Tensor | None:
        return torch.full_like(made, wrong) if torch.is_autocast_enabled("cpu") else None

    upscaler.net.register_forward_hook(spoilt)
    assert np.abs(upscaler.enlarge(picture) - expected).max() < 1e-6
    assert [note for note in upscaler.notes if "fp32" in note]


def test_what_is_undefined_in_fp32_too_is_an_error() -> None:
    upscaler = Upscaler(weights())
    upscaler.net.conv_last.bias.fill_(float("nan"))
    with pytest.raises(NotFinite):
        upscaler.enlarge(sky(8, 8))


def test_half_precision_is_near_enough() -> None:
    picture = sky(24, 24)
    fp32 = Upscaler(weights()).enlarge(picture)
    half = Upscaler(weights(), precision=torch.bfloat16).enlarge(picture)
    assert 0 < np.abs(fp32 - half).max() < 0.05


def test_the_precision_is_what_the_device_is_fast_in(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = torch.device("cpu")
    assert precision_of("fp16", cpu) is torch.float16
    if hasattr(torch.cpu, "get_capabilities"):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True, "amx_bf16": False})
        assert precision_of("auto", cpu) is torch.float32
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True})
        assert precision_of("auto", cpu) is torch.bfloat16
    for capability, expected in (((8, 0), torch.bfloat16), ((7, 5), torch.float32)):
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device, told=capability: told)
        assert precision_of("auto", torch.device("cuda")) is expected


class Synthetic:
    """A picture that is nowhere: its pixels are made when they are read."""

    def __init__(self, height: int, width: int) -> None:
        self.height, self.width = height, width

    def read(self, top: int, left: int, height: int, width: int) -> Floats:
        rows = np.arange(top, top + height, dtype=np.float32)[:, None, None]
        columns = np.arange(left, left + width, dtype=np.float32)[None, :, None]
        return np.broadcast_to((rows * 7 + columns) % 97 / 97, (height, width, 3)).astype(np.float32)


def test_no_more_than_a_row_of_tiles_is_held() -> None:
    side, overlap, fade, scale = 32, 8, 2, 4
    source = Synthetic(1200, 300)
    row = (side + 2 * fade) * scale * source.width * scale * 3 * 4  # bytes, of floats
    tile = (side + 2 * overlap) ** 2 * scale**2 * 3 * 4
    strips: Iterator[Floats] = enlarged(source, repeated, scale=scale, cut=Cut(side, overlap, fade))
    tracemalloc.start()
    try:
        rows = sum(len(strip) for strip in strips)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert rows == source.height * scale
    assert most < 2 * row + 8 * tile, f"{most / row:.1f} rows of tiles"
    assert most < source.height * source.width * scale**2 * 3 * 4 / 8


def rest(large: torch.Tensor, small: torch.Tensor, scale: int) -> float:
    """How far the large picture, shrunk, is from the small one: what back-projection lowers."""
    return float((smaller(large, scale) - small).abs().mean())


def test_back_projection_brings_the_large_picture_back_to_the_small_one() -> None:
    small = torch.from_numpy(crop("m20-trifid.jpg", 80, 80, 32)).permute(2, 0, 1)[None].double()
    large = lanczos(small, 4) + 0.05 * torch.rand(1, 3, 128, 128, generator=torch.manual_seed(0)).double()
    rests = [rest(back_projected(large, small, 4, passes), small, 4) for passes in range(4)]
    assert rests == sorted(rests, reverse=True)
    assert rests[2] < rests[0] / 5
    assert smaller(large, 4).shape == small.shape


def test_back_projection_makes_the_upscaler_true_to_what_it_was_given() -> None:
    picture = sky(24, 24)
    small = torch.from_numpy(picture).permute(2, 0, 1)[None]
    rests = []
    for passes in (0, 1, 2):
        large = torch.from_numpy(Upscaler(weights()).enlarge(picture, passes)).permute(2, 0, 1)[None]
        rests.append(rest(large, small, 4))
    assert rests[2] < rests[1] < rests[0]


def test_a_blend_stays_as_true_to_the_small_picture_as_the_network_alone() -> None:
    picture = sky(20, 31)
    small = torch.from_numpy(picture).permute(2, 0, 1)[None]
    rests = {}
    for strength in (0.0, 0.5, 1.0):
        made = torch.from_numpy(Upscaler(weights(), strength=strength).enlarge(picture))
        rests[strength] = rest(made.permute(2, 0, 1)[None], small, 4)
    assert rests[0.0] < rest(lanczos(small, 4), small, 4) / 2
    assert rests[0.5] <= max(rests[0.0], rests[1.0])


def test_strength_0_without_back_projection_is_lanczos_as_pillow_does_it() -> None:
    from PIL import Image

    picture = sky(20, 31)
    made = Upscaler(weights(), strength=0, passes=0).enlarge(picture)
    theirs = np.stack(
        [
            np.asarray(Image.fromarray(picture[..., channel]).resize((124, 80), Image.Resampling.LANCZOS))
            for channel in range(3)
        ],
        axis=-1,
    )
    assert np.abs(made - theirs.clip(0, 1)).max() < 1e-5
    half = Upscaler(weights(), strength=0.5, passes=0).enlarge(picture)
    assert np.abs(half - made).max() > 1e-3


def test_without_a_share_the_network_is_not_asked() -> None:
    upscaler = Upscaler(weights(), strength=0)
    torch.nn.init.constant_(upscaler.net.conv_last.weight, float("nan"))
    assert np.isfinite(upscaler.enlarge(sky(20, 31))).all()


def test_a_network_that_spoils_a_picture_is_trusted_least() -> None:
    upscaler = Upscaler(weights(), strength=None)
    picture = sky(48, 64)
    share = upscaler.trust(Array(picture), 2)
    assert LEAST <= share < 1
    assert upscaler.trust(Array(np.zeros((48, 64, 3), np.float32)), 2) == LEAST
    assert upscaler.trust(Array(sky(3, 5)), 2) == pytest.approx((1 + LEAST) / 2)
    told = Upscaler(weights(), strength=share).enlarge(picture)
    assert np.array_equal(upscaler.enlarge(picture), told)
    assert upscaler.provenance()["strength"] == "measured"


def test_by_2_from_a_network_that_enlarges_by_4() -> None:
    picture = sky(33, 21)
    upscaler = Upscaler(weights(), asked=2)
    made = upscaler.enlarge(picture)
    assert made.shape == (66, 42, 3)
    small = torch.from_numpy(picture).permute(2, 0, 1)[None]
    assert rest(torch.from_numpy(made).permute(2, 0, 1)[None], small, 2) < 0.02
    with pytest.raises(ScaleUnfit):
        Upscaler(weights(scale=2), asked=4)
    assert Upscaler(weights(scale=2), side=16).enlarge(sky(21, 35)).shape == (42, 70, 3)
