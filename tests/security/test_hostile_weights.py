"""Weights of a stranger: nothing in them runs, and what they claim to be is not built unseen."""

import ast
import json
import struct
from pathlib import Path
from typing import Any

import pytest
from hostile import calls

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("safetensors", reason="safetensors is not installed")

from safetensors.torch import save_file  # noqa: E402

from universe_gan.generate import Generator  # noqa: E402
from universe_gan.networks import interchange  # noqa: E402
from universe_gan.training import checkpoints  # noqa: E402
from universe_gan.training.checkpoints import CheckpointBroken  # noqa: E402
from universe_gan.upscaling import layouts, ncnn  # noqa: E402
from universe_gan.upscaling.layouts import NotOfTheFamily  # noqa: E402

ABOUT: dict[str, Any] = {
    "name": "x",
    "settings": {"model": "lightweight", "size": 64, "latent": 16},
    "side": 64,
    "origin": {"source": "s", "fingerprint": "f", "pictures": 1, "held_out": 0},
    "tool": "0",
    "torch": "2",
    "device": "cpu",
}


class Evil:
    """Unpickled, it leaves a file behind."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.mark,))


@pytest.mark.parametrize(
    "change",
    [
        {"latent": 10**9},
        {"latent": 10**5},
        {"breadth": 1e300},
        {"side": 2**40},
        {"side": 2**20},
        {"side": -64},
        {"attention": [10**9]},
        {"model": "../evil"},
        {"size": 10**9},
    ],
    ids=str,
)
@pytest.mark.parametrize("model", ["lightweight", "stylegan2"])
def test_a_generator_that_claims_to_be_huge_is_not_built(
    tmp_path: Path, model: str, change: dict[str, Any]
) -> None:
    about = json.loads(json.dumps(ABOUT))
    about["settings"]["model"] = model
    for name, value in change.items():
        (about if name == "side" else about["settings"])[name] = value
    path = tmp_path / "evil.safetensors"
    checkpoints.write(path, {"average.a": torch.zeros(2)}, {"about": about, "kimg": 1})
    with pytest.raises(CheckpointBroken):
        Generator.load(path, "cpu")


@pytest.mark.parametrize(
    "facts", ["[]", "null", "5", "{", '{"about": 5}', '{"about": {}, "kimg": []}', "[" * 100_000, None]
)
def test_facts_that_are_none_of_ours_are_words_not_a_crash(tmp_path: Path, facts: str | None) -> None:
    path = tmp_path / "evil.safetensors"
    save_file({"a": torch.zeros(2)}, path, metadata={"facts": facts} if facts else None)
    with pytest.raises(CheckpointBroken):
        Generator.load(path, "cpu")


def held(begin: int, end: int, shape: tuple[int, ...] = (2,), kind: str = "F32") -> dict[str, Any]:
    return {"dtype": kind, "shape": list(shape), "data_offsets": [begin, end]}


@pytest.mark.parametrize(
    "header",
    [
        {"a": held(0, 8), "b": held(4, 12)},
        {"a": held(0, 8, (2**40,))},
        {"a": held(0, 2**62)},
        {"a": held(8, 0)},
        {"a": held(-8, 0)},
        {"a": held(0, 8, (2**62, 4))},
        {"a": held(0, 8, kind="F128")},
        {"a": held(0, 8, kind="I64", shape=(2,))},
        {"a": []},
        [],
    ],
    ids=str,
)
def test_a_file_of_tensors_with_a_false_head_is_refused(tmp_path: Path, header: Any) -> None:
    text = json.dumps(header).encode()
    path = tmp_path / "evil.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"\0" * 12)
    with pytest.raises(CheckpointBroken):
        checkpoints.read(path)
    with pytest.raises(NotOfTheFamily):
        layouts.read(path)


@pytest.mark.parametrize("length", [0, 2**63, 2**64 - 1, 10**9])
def test_a_head_that_says_it_is_endless_is_refused(tmp_path: Path, length: int) -> None:
    path = tmp_path / "evil.safetensors"
    path.write_bytes(struct.pack("<Q", length) + b"{}" + b"\0" * 8)
    with pytest.raises(CheckpointBroken):
        checkpoints.read(path)


def test_a_pickle_that_would_run_something_does_not(tmp_path: Path) -> None:
    mark = tmp_path / "owned"
    path = tmp_path / "evil.pt"
    torch.save({"GAN": Evil(mark), "params": Evil(mark)}, path)
    (tmp_path / "evil.pth").write_bytes(path.read_bytes())
    with pytest.raises(CheckpointBroken):
        interchange.read(path)
    with pytest.raises(NotOfTheFamily):
        layouts.read(tmp_path / "evil.pth")
    with pytest.raises(CheckpointBroken):
        Generator.load(path, "cpu")
    assert not mark.exists()


def test_many_tensors_that_share_a_few_bytes_are_not_laid_out(tmp_path: Path) -> None:
    one = torch.zeros(1).expand(1500, 1500)
    torch.save({f"a{number}": one for number in range(130)}, tmp_path / "evil.pth")
    assert (tmp_path / "evil.pth").stat().st_size < 100_000
    with pytest.raises(NotOfTheFamily, match="more than"):
        layouts.read(tmp_path / "evil.pth")


@pytest.mark.parametrize(
    "data", [b"", b"\x47\x6b\x30\x01", b"\0" * 10_000, b"\x47\x6b\x30\x01" + b"\xff" * 99]
)
def test_a_damaged_ncnn_file_is_words(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.bin").write_bytes(data)
    with pytest.raises(ncnn.NcnnBroken):
        ncnn.read(tmp_path / "a.bin", torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3)))


NEVER = {
    "pickle.load", "pickle.loads", "pickle.Unpickler", "cloudpickle.load", "cloudpickle.loads", "dill.load",
    "joblib.load", "shelve.open", "marshal.loads", "yaml.load", "yaml.unsafe_load", "eval", "exec", "compile",
    "__import__", "os.system", "os.popen", "subprocess.getoutput", "torch.hub.load", "tempfile.mktemp",
}  # fmt: skip


def test_nothing_that_ships_runs_what_it_reads() -> None:
    assert [f"{place}: {name}" for place, name, _ in calls() if name in NEVER] == []


def test_no_shell_is_started_and_no_pickle_of_numpy_or_torch_is_read() -> None:
    def said(call: ast.Call, name: str) -> str | None:
        return next((ast.unparse(one.value) for one in call.keywords if one.arg == name), None)

    wrong = [
        place
        for place, name, call in calls()
        if said(call, "shell") not in (None, "False")
        or said(call, "allow_pickle") not in (None, "False")
        or (name == "torch.load" and said(call, "weights_only") != "True")
    ]
    assert wrong == []
