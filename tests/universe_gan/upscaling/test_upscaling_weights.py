"""Weights of the ESRGAN family: the packaged ones, others in every layout, none that is hostile."""

import hashlib
import importlib
import importlib.util
import pickle
import sys
import types
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from faulty import Cut, FaultServer, scripted  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from small_nets import crop, network, sky, state_hash, written  # noqa: E402

from collectors.web.polite import polite_session  # noqa: E402
from universe_gan.upscaling import layouts, ncnn, weights  # noqa: E402
from universe_gan.upscaling.layouts import NotOfTheFamily  # noqa: E402
from universe_gan.upscaling.weights import Address, NotFetched, NoWeights, WeightsWrong, find  # noqa: E402

packaged = pytest.mark.skipif(weights.packaged_path() is None, reason=f"{weights.PACKAGE} is not installed")
GOLDEN = Path(__file__).parent / "golden_upscaled.txt"


@packaged
def test_the_packaged_file_becomes_the_whole_network() -> None:
    found = find("packaged")
    state = found.net.state_dict()
    assert len(state) == 702
    assert sum(tensor.numel() for tensor in state.values()) == 16_697_987
    assert state_hash(found.net) == "7344be90a1d4a9803ae4862890a309f80a45fee4ed3ce3f38c86360381143233"
    assert found.provenance["fp16_rounded"] is True
    assert found.provenance["weights_sha256"] == weights.PACKAGED_SHA256
    half = state["body.22.rdb3.conv5.weight"]
    assert torch.equal(half.half().float(), half)


@packaged
def test_the_packaged_network_draws_what_it_always_drew() -> None:
    with torch.inference_mode():
        small = torch.from_numpy(sky(32, 32)).permute(2, 0, 1)[None]
        large = find("packaged").net(small)[0, :, ::16, ::16].numpy()
    assert np.abs(large - np.loadtxt(GOLDEN, ndmin=2).reshape(3, 8, 8)).max() < 2e-5


@packaged
def test_ncnn_draws_the_same_from_the_same_file() -> None:
    engine = pytest.importorskip("ncnn", reason="ncnn is not installed")
    path = weights.packaged_path()
    assert path
    other = engine.Net()
    other.opt.use_fp16_storage = other.opt.use_fp16_arithmetic = other.opt.use_fp16_packed = False
    other.opt.num_threads = 1
    other.load_param(str(path.with_suffix(".param")))
    other.load_model(str(path))
    net = find("packaged").net
    for small in (crop("m42-orion.jpg", 100, 100, 24), crop("ngc2244-rosette.jpg", 60, 130, 24)):
        channels = np.ascontiguousarray(small.transpose(2, 0, 1))  # must outlive the extractor
        extractor = other.create_extractor()
        extractor.input("data", engine.Mat(channels))
        _, made = extractor.extract("output")
        with torch.inference_mode():
            ours = net(torch.from_numpy(channels)[None])[0].numpy()
        assert np.abs(ours - np.array(made)).max() <= 2e-5


def test_every_layout_leads_to_the_same_network(tmp_path: Path) -> None:
    net = network(blocks=2)
    expected = state_hash(net)
    state = net.state_dict()
    early = {early_name(name): tensor for name, tensor in state.items()}
    for number, found in enumerate(
        [
            state,
            {"params_ema": state, "params": {"conv_first.weight": torch.zeros(1)}},
            {"state_dict": {f"module.{name}": tensor for name, tensor in state.items()}},
            early,
            {"params": {name: tensor.double() for name, tensor in state.items()}},
        ]
    ):
        path = tmp_path / f"{number}.pth"
        torch.save(found, path)
        assert state_hash(layouts.read(path)) == expected
    save_file(early, tmp_path / "weights.safetensors")
    assert state_hash(layouts.read(tmp_path / "weights.safetensors")) == expected


def early_name(name: str) -> str:
    """As BasicSR first wrote it."""
    for ours, theirs in (
        ("body.", "RRDB_trunk."),
        ("conv_body.", "trunk_conv."),
        ("conv_up", "upconv"),
        ("conv_hr.", "HRconv."),
    ):
        if name.startswith(ours):
            name = theirs + name.removeprefix(ours)
    return name.replace(".rdb", ".RDB")


@pytest.mark.parametrize(
    ("scale", "enlargements", "blocks", "channels", "growth"),
    [(4, 2, 1, 8, 4), (2, 2, 2, 12, 6), (1, 2, 1, 8, 4), (2, 1, 1, 8, 4), (1, 0, 1, 8, 4), (8, 3, 1, 8, 4)],
)
def test_sizes_and_scale_are_read_from_the_shapes(
    tmp_path: Path, scale: int, enlargements: int, blocks: int, channels: int, growth: int
) -> None:
    net = network(scale, blocks, channels, growth, enlargements)  # type: ignore[arg-type]
    found = layouts.read(written(tmp_path / "net.pth", net))
    assert (found.scale, found.fold, len(found.body)) == (scale, 2**enlargements // scale, blocks)
    with torch.inference_mode():
        small = torch.rand(1, 3, 8, 12)
        assert found(small).shape == (1, 3, 8 * scale, 12 * scale)
        assert torch.equal(found(small), net(small))


@pytest.mark.parametrize(("scale", "blocks"), [(4, 2), (2, 1), (1, 1), (8, 1)])
def test_spandrel_draws_the_same_from_the_first_layout(tmp_path: Path, scale: int, blocks: int) -> None:
    arch = of_spandrel()
    torch.manual_seed(1)
    theirs = arch.RRDBNet(num_filters=16, num_blocks=blocks, scale=scale).eval()
    torch.save(theirs.state_dict(), tmp_path / "old.pth")
    assert "model.1.sub.0.RDB1.conv1.0.weight" in theirs.state_dict()
    ours = layouts.read(tmp_path / "old.pth")
    small = torch.rand(1, 3, 16, 20)
    with torch.inference_mode():
        assert torch.allclose(ours(small), theirs(small), atol=1e-6)
    assert ours.scale == scale


@packaged
def test_spandrel_draws_the_same_from_the_packaged_weights() -> None:
    theirs = of_spandrel().RRDBNet().eval()
    net = find("packaged").net
    own = theirs.state_dict()
    back = dict(zip(layouts.renamed(own), own, strict=True))
    theirs.load_state_dict({back[name]: tensor for name, tensor in net.state_dict().items()})
    small = torch.from_numpy(crop("m42-orion.jpg", 90, 90, 24)).permute(2, 0, 1)[None]
    with torch.inference_mode():
        assert (theirs(small) - net(small)).abs().max() <= 2e-5


@cache
def of_spandrel() -> types.ModuleType:
    """Its RRDBNet alone: the package as a whole needs torchvision, which does not fit every PyTorch."""
    spec = importlib.util.find_spec("spandrel")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("spandrel is not installed")
    root = Path(spec.submodule_search_locations[0])
    for name in ("spandrel", "spandrel.architectures", "spandrel.architectures.ESRGAN"):
        shell = types.ModuleType(name)
        shell.__path__ = [str(root.joinpath(*name.split(".")[1:]))]
        sys.modules[name] = shell
    return importlib.import_module("spandrel.architectures.ESRGAN.__arch.RRDB")


def test_basicsr_draws_the_same() -> None:
    theirs = pytest.importorskip(
        "basicsr.archs.rrdbnet_arch", reason="basicsr does not import here", exc_type=ImportError
    )
    net = network(blocks=2, channels=16, growth=8)
    other = theirs.RRDBNet(3, 3, scale=4, num_feat=16, num_block=2, num_grow_ch=8).eval()
    other.load_state_dict(net.state_dict())
    small = torch.rand(1, 3, 16, 20)
    with torch.inference_mode():
        assert torch.allclose(net(small), other(small), atol=1e-6)


class Hostile:
    """What would run a command if it were unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (open, (str(self.trace), "w"))  # type: ignore[return-value]


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_what_is_in_a_file_is_never_executed(tmp_path: Path) -> None:
    trace, path = tmp_path / "trace", tmp_path / "evil.pth"
    path.write_bytes(pickle.dumps({"params": Hostile(trace)}))
    with pytest.raises(NotOfTheFamily, match="damaged, or no plain table"):
        layouts.read(path)
    torch.save({"params": Hostile(trace)}, path)
    with pytest.raises(NotOfTheFamily):
        layouts.read(path)
    assert not trace.exists()


def bad_tables() -> dict[str, object]:
    state = network().state_dict()
    first, last = "conv_first.weight", "conv_last.bias"
    release = {"model.0.weight": torch.zeros(8, 3, 3, 3), "model.1.sub.0.a": torch.zeros(1)}
    return {
        "nothing": {},
        "a list": [torch.zeros(3)],
        "words": {"params": {"a": "b"}},
        "another network": {"features.0.weight": torch.zeros(8, 3, 3, 3)},
        "a tensor is missing": {name: tensor for name, tensor in state.items() if name != last},
        "one too many": {**state, "more.weight": torch.zeros(2)},
        "wrong channels": {**state, first: torch.zeros(8, 5, 3, 3)},
        "a number": {**state, first: torch.tensor(1.0)},
        "not finite": {**state, last: torch.tensor([0.0, float("nan"), 0.0])},
        "a hole in the body": {name.replace("body.0", "body.7"): tensor for name, tensor in state.items()},
        "a thousand blocks": {**state, **{f"body.{n}.x": torch.zeros(1) for n in range(1000)}},
        "huge": {**state, first: torch.zeros(1).expand(2**20, 3, 3, 3)},
        "hidden layers of the first release": {"model.1.sub.x": torch.zeros(1)},
        "half of the first release": release,
    }


@pytest.mark.parametrize("which", bad_tables())
def test_a_table_of_something_else_is_refused_in_words(tmp_path: Path, which: str) -> None:
    path = tmp_path / "some.pth"
    torch.save(bad_tables()[which], path)
    with pytest.raises(NotOfTheFamily) as refused:
        layouts.read(path)
    assert "some.pth" in str(refused.value)
    assert len(refused.value.problem) < 200


def test_a_damaged_file_is_refused_wherever_it_is_damaged(tmp_path: Path) -> None:
    whole = written(tmp_path / "whole.pth").read_bytes()
    save_file(network().state_dict(), tmp_path / "whole.safetensors")
    tensors = (tmp_path / "whole.safetensors").read_bytes()
    dice = np.random.default_rng(3)
    for number in range(60):
        data, suffix = ((whole, ".pth"), (tensors, ".safetensors"))[number % 2]
        if number % 4 < 2:
            broken = data[: int(dice.integers(0, len(data)))]
        else:
            broken = bytearray(data)
            for _ in range(20):
                broken[int(dice.integers(0, min(len(data), 3000)))] = int(dice.integers(256))
        path = tmp_path / f"broken{suffix}"
        path.write_bytes(bytes(broken))
        try:
            net = layouts.read(path)
        except NotOfTheFamily:
            continue
        assert all(tensor.isfinite().all() for tensor in net.state_dict().values())
    with pytest.raises(NotOfTheFamily, match="no such file"):
        layouts.read(tmp_path / "missing.pth")


@packaged
def test_a_damaged_package_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = weights.packaged_path()
    assert path
    data = path.read_bytes()
    other = tmp_path / "cut.bin"
    monkeypatch.setattr(weights, "packaged_path", lambda: other)
    other.write_bytes(data[:-1000])
    with pytest.raises(WeightsWrong, match="SHA-256"):
        find("packaged")
    net = weights.RRDBNet()
    for broken, problem in ((data[:-2], "cut off"), (data + b"12", "too many"), (b"x" + data[1:], "half")):
        other.write_bytes(broken)
        with pytest.raises(ncnn.NcnnBroken, match=problem):
            ncnn.read(other, net)


def test_official_weights_are_fetched_once_and_only_when_asked(tmp_path: Path) -> None:
    data = written(tmp_path / "official.pth").read_bytes()
    cache = tmp_path / "cache"
    with FaultServer(files={"/net.pth": data}, plan=scripted(Cut(0.5))) as server:
        address = Address(f"{server.base}/net.pth", len(data), hashlib.sha256(data).hexdigest())
        session = polite_session(None, sleep=lambda seconds: None)
        if weights.packaged_path():
            assert find(cache=cache, session=session, address=address).provenance["fp16_rounded"] is True
        with pytest.raises(NoWeights):
            find("official", cache=cache, address=address)
        assert len(server.asked) == 0
        found = find("official", cache=cache, session=session, address=address)
        assert [asked.headers.get("Range") is not None for asked in server.asked] == [False, True]
        assert found.provenance["weights_from"] == address.url
        assert found.provenance["fp16_rounded"] is False
        for asked in (None, "official"):
            again = find(asked, cache=cache, address=address)
            assert again.provenance == found.provenance
        assert len(server.asked) == 2


def test_wrong_bytes_from_the_official_address_are_not_kept(tmp_path: Path) -> None:
    data = written(tmp_path / "official.pth").read_bytes()
    cache = tmp_path / "cache"
    with FaultServer(files={"/net.pth": data}) as server:
        wrong = Address(f"{server.base}/net.pth", len(data), "0" * 64)
        gone = Address(f"{server.base}/gone.pth", len(data), "0" * 64)
        session = polite_session(None, sleep=lambda seconds: None)
        with pytest.raises(NotFetched, match="SHA-256"):
            find("official", cache=cache, session=session, address=wrong)
        with pytest.raises(NotFetched, match="404"):
            find("official", cache=cache, session=session, address=gone)
    assert not [path for path in cache.rglob("*") if path.is_file()]


def test_a_damaged_file_in_the_cache_is_not_used(tmp_path: Path) -> None:
    data = written(tmp_path / "official.pth").read_bytes()
    address = Address("http://127.0.0.1:9/net.pth", len(data), hashlib.sha256(data).hexdigest())
    place = weights.Store(tmp_path / "cache").path(address.sha256)
    place.parent.mkdir(parents=True)
    place.write_bytes(data[:-1])
    with pytest.raises(NoWeights):
        find("official", cache=tmp_path / "cache", address=address)
    place.write_bytes(data)
    assert find(cache=tmp_path / "cache", address=address).provenance["weights_sha256"] == address.sha256


def test_the_cache_lies_where_the_desktop_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert weights.cache_folder() == tmp_path / "universe-gan" / "weights"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert weights.cache_folder() == Path.home() / ".cache" / "universe-gan" / "weights"


def test_a_file_of_ones_own_says_what_it_is(tmp_path: Path) -> None:
    path = written(tmp_path / "mine.pth")
    facts: Mapping[str, object] = find(path).provenance
    assert facts["weights"] == "mine"
    assert facts["weights_sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
