"""What a model command asks of the machine: packages, a device, memory, and Ctrl-C at a good moment."""

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


class PackagesMissing(Exception):
    """What is needed for training, or for something else that an extra brings, is not installed."""

    def __init__(self, names: Sequence[str], what: str = "training", extra: str = "train") -> None:
        super().__init__(f"not installed: {', '.join(names)}")
        self.names, self.what, self.extra = tuple(names), what, extra


class SettingsUnfit(Exception):
    """Settings that do not go with the pictures, the processes or the machine: all of them."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


class MemoryShort(Exception):
    """A step does not fit into the memory of the device."""

    def __init__(self, device: str, batch: int, side: int, precision: str, world: int) -> None:
        super().__init__(f"{batch} pictures of {side} px do not fit {device}")
        self.device, self.batch, self.side = device, batch, side
        self.precision, self.world = precision, world


def device_for(asked: str | None, rank: int = 0) -> "torch.device":
    """The device as asked, else a GPU of this process's own, else the CPU.

    Raises:
        SettingsUnfit: no GPU is here, or fewer than processes.
    """
    import torch

    have = torch.cuda.is_available()
    if asked == "cuda" and not have:
        raise SettingsUnfit(["--device cuda: PyTorch finds no GPU here; `universe-gan check` says more"])
    if asked == "cpu" or not have:
        return torch.device("cpu")
    local = int(os.environ.get("LOCAL_RANK", rank))
    if local >= (there := torch.cuda.device_count()):
        raise SettingsUnfit(
            [f"a process for each GPU: there are {there} here, and this is process {local + 1}"]
        )
    torch.cuda.set_device(local)
    return torch.device("cuda", local)


class _Stop:
    """Whether somebody asked to stop; called after every step."""

    def __init__(self) -> None:
        self.asked = False

    def __call__(self) -> bool:
        return self.asked


@contextmanager
def stopping() -> Iterator[_Stop]:
    """While this lasts, Ctrl-C and SIGTERM only ask to stop, however often they come: no file is torn."""
    stop = _Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def ask(number: int, frame: object) -> None:
        stop.asked = True

    before = {one: signal.signal(one, ask) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
