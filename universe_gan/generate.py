"""Pictures from a trained generator: by seed, always the same, with where they come from inside the file.

Generator.load("runs/0003-nebulae").sheet(range(36)).save("sheet.png")
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from collectors.storage.files import sha256_of, write_whole
from universe_gan import downloads, foreign, sheets
from universe_gan.networks import table
from universe_gan.pictures import Shelf
from universe_gan.training import checkpoints
from universe_gan.training.checkpoints import CheckpointBroken
from universe_gan.training.runs import About

BATCH = sheets.BATCH
"""Pictures drawn at once on a GPU. On the CPU one at a time: kernels that sum in another order for another
batch would make the bytes of a seed depend on its neighbours."""


class NoCheckpoint(Exception):
    """A run that has none yet, or nothing of that name."""

    def __init__(self, asked: str) -> None:
        super().__init__(f"{asked} holds no checkpoint")
        self.asked = asked


@dataclass(frozen=True)
class Generator:
    """A trained generator, ready to draw. Pictures are (n, side, side, 3) bytes."""

    net: torch.nn.Module
    about: About
    kimg: float
    sha256: str
    """Of the checkpoint file; of a published model, of the run's own checkpoint that it was made from."""
    device: torch.device
    published: Mapping[str, str] = field(default_factory=dict)
    """Repository, commit and hash of the weights, where it came from the Hub."""

    @staticmethod
    def load(
        asked: str | Path,
        device: str | torch.device | None = None,
        say: Callable[[str], None] = lambda words: None,
    ) -> "Generator":
        """From a run's folder (its best checkpoint, else the latest), a file, or the Hub: `user/model@v1`.

        Raises:
            NoCheckpoint: there is none.
            CheckpointBroken: it is damaged, or not one of ours.
            HubProblem, ModelBroken: as `downloads.model`.
        """
        name = None if Path(asked).exists() else downloads.named(str(asked))
        model = downloads.model(*name, say) if name else None
        path = model.weights if model else checkpoint_of(Path(asked))
        where = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        reader = foreign if path.suffix == ".pt" else checkpoints
        tensors, facts = reader.read(path, where)
        try:
            about = About.model_validate(facts["about"])
            net = table()[about.settings.model].generator(about.settings, about.side)
            checkpoints.into_module("average", net, tensors)
            kimg = float(facts["kimg"])
        except (KeyError, ValueError, TypeError, RuntimeError) as error:
            raise CheckpointBroken(path, str(error).splitlines()[0]) from error
        net.to(where).eval().requires_grad_(False)
        published = (
            {"model_repo": model.repo, "model_revision": model.revision, "weights_sha256": model.sha256}
            if model
            else {}
        )
        sha256 = str(facts.get("checkpoint_sha256") or sha256_of(path))
        return Generator(net, about, kimg, sha256, where, published)

    def latents(self, seeds: Iterable[int]) -> Tensor:
        """(n, latent): the point each seed stands for, the same on every machine."""
        size = self.about.settings.latent
        dice = (torch.Generator().manual_seed(seed) for seed in seeds)
        return torch.stack([torch.randn(size, generator=one) for one in dice])

    def pictures(self, seeds: Iterable[int], truncation: float = 1.0) -> Iterator[NDArray[np.uint8]]:
        """(side, side, 3) for each seed. `truncation` below 1: fewer odd pictures, less variety."""
        for some in _batches(seeds, BATCH):
            yield from self.draw(self.latents(some), truncation)

    def draw(self, latents: Tensor, truncation: float = 1.0) -> NDArray[np.uint8]:
        """(n, side, side, 3) from latents (n, latent)."""
        at_once = 1 if self.device.type == "cpu" else BATCH
        return sheets.draw(self.net, latents, self.device, truncation=truncation, batch=at_once)

    def sheet(self, seeds: Iterable[int], truncation: float = 1.0, across: int | None = None) -> Image.Image:
        """The pictures of these seeds in one."""
        return sheets.sheet(list(self.pictures(seeds, truncation)), across)

    def walk(self, seeds: Sequence[int], frames: int, truncation: float = 1.0) -> Iterator[NDArray[np.uint8]]:
        """A film from seed to seed and back to the first, `frames` pictures for each step of the way.

        Along the great circle, because latents lie on a sphere (Shoemake 1985; White 2016,
        https://arxiv.org/abs/1609.04468).
        """
        places = self.latents([*seeds, seeds[0]])
        for here, there in pairwise(places):
            for some in _batches(range(frames), BATCH):
                yield from self.draw(
                    torch.stack([_between(here, there, t / frames) for t in some]), truncation
                )

    def provenance(self, **more: Any) -> dict[str, Any]:
        """Where a picture comes from: what is written into its file and beside it."""
        origin = self.about.origin
        return {
            "synthetic": True,
            "model": self.about.settings.model,
            "run": self.about.name,
            "kimg": round(self.kimg, 3),
            "checkpoint_sha256": self.sha256,
            "dataset": origin.source,
            "dataset_revision": origin.revision,
            "dataset_fingerprint": origin.fingerprint,
            "dataset_licences": dict(origin.licences),
            "generation": origin.generation,
            "tool": f"universe-gan {self.about.tool}",
            **self.published,
            **more,
        }


def write(
    generator: Generator, seeds: Sequence[int], folder: Path, *, truncation: float = 1.0, sheet: bool = True
) -> list[Path]:
    """Write `seed-000007.png` for each seed, `sheet.png`, and `pictures.jsonl` with each one's provenance.

    Files that are there already for the same checkpoint and seed are written again with the same bytes;
    lines about other pictures of the folder stay. A line is added once its picture is whole, so that a kill
    loses none; at the end they are put in order.

    Raises:
        NotOurs: another `pictures.jsonl` lies there, or a picture that is not ours; it stays.
        DiskFull: no room; what is written is whole.
    """
    written: list[Path] = []
    small: list[NDArray[np.uint8]] = []
    with Shelf(folder) as shelf:
        for seed, picture in zip(seeds, generator.pictures(seeds, truncation), strict=True):
            facts = generator.provenance(seed=seed, truncation=truncation)
            data = sheets.png(Image.fromarray(picture), facts)
            written.append(shelf.add(f"seed-{seed:06}.png", data, facts))
            if len(small) < 100:
                small.append(picture)
    if sheet and small:
        facts = generator.provenance(seeds=list(seeds[: len(small)]), truncation=truncation)
        write_whole(folder / "sheet.png", sheets.png(sheets.sheet(small), facts))
        written.append(folder / "sheet.png")
    return written


def _batches(numbers: Iterable[int], size: int) -> Iterator[tuple[int, ...]]:
    waiting = iter(numbers)
    while some := tuple(islice(waiting, size)):
        yield some


def checkpoint_of(asked: Path) -> Path:
    """The file itself, or the best checkpoint of a run, else its latest. Raises `NoCheckpoint`."""
    if asked.is_file():
        return asked
    for name in ("best.safetensors", "latest.safetensors"):
        if (asked / name).is_file():
            return asked / name
    raise NoCheckpoint(str(asked))


def _between(here: Tensor, there: Tensor, share: float) -> Tensor:
    """The point that far along the great circle, its length in proportion."""
    lengths = here.norm(), there.norm()
    a, b = here / lengths[0], there / lengths[1]
    angle = torch.acos((a @ b).clamp(-1, 1))
    if angle < 1e-4:
        return torch.lerp(here, there, share)
    point = (torch.sin((1 - share) * angle) * a + torch.sin(share * angle) * b) / torch.sin(angle)
    placed: Tensor = point * torch.lerp(lengths[0], lengths[1], share)
    return placed
