"""One process or several: who writes, and how all of them stay one and the same training.

Gradients are averaged over the processes between `backward` and the optimizer's step, in one message a
network; everything else is the same code. Started by `torchrun`, which sets the environment read here, or by
Ray Train.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import Tensor, distributed, nn

PATIENCE = timedelta(minutes=30)
"""How long processes wait for the first, which decodes the pictures, judges and saves."""


@dataclass(frozen=True)
class Ranks:
    """This process among all that train together."""

    rank: int = 0
    world: int = 1

    @property
    def writes(self) -> bool:
        """Whether this is the one process that writes files and talks."""
        return self.rank == 0

    @torch.no_grad()
    def average(self, parameters: Iterable[nn.Parameter]) -> None:
        """Make every process's gradients the mean of all."""
        if self.world == 1:
            return
        gradients = [one.grad for one in parameters if one.grad is not None]
        whole = torch.cat([gradient.flatten() for gradient in gradients])
        distributed.all_reduce(whole)
        whole /= self.world
        for gradient, part in zip(
            gradients, torch.split(whole, [one.numel() for one in gradients]), strict=True
        ):
            gradient.copy_(part.view_as(gradient))

    @torch.no_grad()
    def agree(self, tensors: Iterable[Tensor]) -> None:
        """Make every process's tensors those of the first, in place."""
        if self.world > 1:
            for tensor in tensors:
                distributed.broadcast(tensor, 0)

    @torch.no_grad()
    def mean(self, tensors: Iterable[Tensor]) -> None:
        """Make every process's floating-point tensors the mean of all, in place."""
        if self.world > 1:
            for tensor in tensors:
                distributed.all_reduce(tensor)
                tensor /= self.world

    @torch.no_grad()
    def gathered(self, mine: Tensor) -> Tensor:
        """Every process's tensor of the same shape, one behind the other along the first dimension."""
        if self.world == 1:
            return mine
        parts = [torch.empty_like(mine) for _ in range(self.world)]
        distributed.all_gather(parts, mine.contiguous())
        return torch.cat(parts)

    def told(self, words: str) -> str:
        """What the first process says, a text of at most 4,096 bytes."""
        if self.world == 1:
            return words
        data = words.encode()[:4096].ljust(4096, b"\0")
        message = torch.tensor(list(data), dtype=torch.uint8, device=_message_device())
        distributed.broadcast(message, 0)
        return bytes(message.tolist()).rstrip(b"\0").decode()

    def wait(self) -> None:
        """Go on when everybody is here."""
        if self.world > 1:
            distributed.barrier()

    def any(self, mine: bool) -> bool:
        """Whether it is so in any process."""
        if self.world == 1:
            return mine
        flag = torch.tensor([float(mine)], device=_message_device())
        distributed.all_reduce(flag)
        return bool(flag.item() > 0)


@contextmanager
def joined(*, cpu: bool = False) -> Iterator[Ranks]:
    """The processes that the environment names (`RANK`, `WORLD_SIZE`), joined as long as this lasts.

    `cpu`: their tensors lie on CPUs, whatever GPUs there are.
    """
    if distributed.is_initialized():  # by Ray Train, which also ends it
        yield Ranks(distributed.get_rank(), distributed.get_world_size())
    elif int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield Ranks()
    else:
        gpus = torch.cuda.is_available() and not cpu
        distributed.init_process_group("nccl" if gpus else "gloo", timeout=PATIENCE)
        try:
            yield Ranks(distributed.get_rank(), distributed.get_world_size())
            distributed.barrier()  # nobody hangs up while another still listens
        finally:
            distributed.destroy_process_group()


def _message_device() -> torch.device:
    return torch.device("cuda" if distributed.get_backend() == "nccl" else "cpu")
