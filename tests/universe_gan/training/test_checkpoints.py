"""Checkpoints: whole or not at all, nothing in them can run, broken ones are named."""

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from universe_gan.training import checkpoints  # noqa: E402
from universe_gan.training.checkpoints import CheckpointBroken  # noqa: E402


def test_tensors_and_facts_come_back_as_they_were(tmp_path: Path) -> None:
    tensors = {"a": torch.randn(3, 4).T, "b": torch.tensor(7), "c": torch.ones(2, dtype=torch.bfloat16)}
    checkpoints.write(tmp_path / "one.safetensors", tensors, {"step": 3, "words": "nébuleuse"})
    found, facts = checkpoints.read(tmp_path / "one.safetensors")
    assert facts == checkpoints.facts(tmp_path / "one.safetensors") == {"step": 3, "words": "nébuleuse"}
    assert all(torch.equal(found[name], tensor) for name, tensor in tensors.items())
    assert [path.name for path in tmp_path.iterdir()] == ["one.safetensors"]


@pytest.mark.parametrize("harm", [lambda data: data[:-1], lambda data: b"", lambda data: b"PK\3\4" + data])
def test_a_damaged_file_is_named_with_its_problem(tmp_path: Path, harm: object) -> None:
    path = tmp_path / "one.safetensors"
    checkpoints.write(path, {"a": torch.zeros(8)}, {})
    path.write_bytes(harm(path.read_bytes()))  # type: ignore[operator]
    for read in (checkpoints.read, checkpoints.facts):
        with pytest.raises(CheckpointBroken) as told:
            read(path)
        assert told.value.path == path


def test_what_is_not_there_is_another_matter(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        checkpoints.read(tmp_path / "none.safetensors")


def test_an_optimizer_goes_on_as_it_would_have(tmp_path: Path) -> None:
    def made() -> tuple[torch.nn.Linear, torch.optim.Adam]:
        torch.manual_seed(0)
        net = torch.nn.Linear(3, 2)
        return net, torch.optim.Adam(net.parameters(), lr=0.1)

    def step(net: torch.nn.Linear, optimizer: torch.optim.Adam) -> None:
        optimizer.zero_grad()
        net(torch.ones(1, 3)).square().sum().backward()
        optimizer.step()

    net, optimizer = made()
    step(net, optimizer)
    kept = {**checkpoints.of_module("n", net), **checkpoints.of_optimizer("o", optimizer)}
    checkpoints.write(tmp_path / "one.safetensors", kept, {})
    step(net, optimizer)
    other, its = made()
    tensors, _ = checkpoints.read(tmp_path / "one.safetensors")
    checkpoints.into_module("n", other, tensors)
    checkpoints.into_optimizer("o", its, tensors)
    step(other, its)
    assert torch.equal(net.weight, other.weight)
