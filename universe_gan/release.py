"""A trained generator as others get it: weights, config, figures, sample sheet and card in one folder.

The same run always gives the same bytes, so that publishing it again sends nothing.
"""

from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any

from collectors import licences
from collectors.frozen import Frozen
from collectors.rights import LicenceClass
from collectors.storage.files import Journal, canonical_json, sha256_of, write_whole
from curation.hub.remote import LocalFile
from universe_gan import model_card
from universe_gan.data import Origin
from universe_gan.downloads import CONFIG, WEIGHTS
from universe_gan.generate import Generator, checkpoint_of
from universe_gan.sheets import png
from universe_gan.training import checkpoints
from universe_gan.training.runs import About, Run

SEEDS = range(16)
"""On the sample sheet."""
_MEASURES = (
    *("extractor", "against", "judged", "kid", "kid_low", "kid_high", "fd", "fd_floor", "fd_pictures"),
    *("coverage", "recall", "memorisation", "spectrum_db", "colour"),
)


class LicenceNotAllowed(Exception):
    """A licence for the weights that the licences of the training pictures do not bear."""

    def __init__(self, licence: str, problem: str) -> None:
        super().__init__(f"{licence}: {problem}")
        self.licence, self.problem = licence, problem


class Released(Frozen):
    """`config.json`: what the published weights are."""

    format: int = 1
    about: About
    """Without places of the machine that trained."""
    kimg: float
    checkpoint_sha256: str
    """Of the run's own checkpoint, as pictures drawn from either name it."""
    weights_sha256: str


def check_licence(claimed: str | None, about: About) -> None:
    """Raise `LicenceNotAllowed` unless every training picture's licence bears the one claimed."""
    if claimed is None:
        return
    wanted = licences.get(claimed)
    if wanted.cls is LicenceClass.UNKNOWN:
        raise LicenceNotAllowed(claimed, "no licence of that SPDX id is known here")
    if not about.origin.licences:
        raise LicenceNotAllowed(claimed, "the dataset does not say under which licences its pictures are")
    for id, count in about.origin.licences.items():
        if problem := _objection(wanted, licences.get(id)):
            raise LicenceNotAllowed(claimed, f"{count:,} training pictures are under {id}, which {problem}")


def _objection(wanted: licences.Licence, held: licences.Licence) -> str | None:
    """Why what was learned from `held` cannot be said to be under `wanted`; what is not known forbids."""
    if held.id == wanted.id:
        return None
    if not held.derivatives:
        return "does not allow adaptations"
    if held.share_alike is not False:
        return "asks to share alike"
    if not held.commercial and wanted.commercial is not False:
        return "does not allow commercial use"
    if held.attribution is not False and not wanted.attribution:
        return "asks for credit"
    return None


def write(run: Run, repo: str, licence: str | None = None, origin: Origin | None = None) -> list[LocalFile]:
    """Write `release/` in the run's folder, and say what lies there.

    Drawn on the CPU, where a seed has the same bytes each time. `origin`: where others find what it learned
    from; default: where the run found it.

    Raises:
        NoCheckpoint, CheckpointBroken: there is nothing to release.
        DiskFull: no room.
    """
    path = checkpoint_of(run.path)
    generator = Generator.load(path, "cpu")
    about = _without_places(generator.about.model_copy(update={"origin": origin or generator.about.origin}))
    folder = run.path / "release"
    facts = {
        "about": about.model_dump(mode="json"),
        "kimg": generator.kimg,
        "checkpoint_sha256": generator.sha256,
    }
    checkpoints.write(folder / WEIGHTS, checkpoints.of_module("average", generator.net), facts)
    figures = judged(run, path, generator.sha256)
    released = Released.model_validate({**facts, "weights_sha256": sha256_of(folder / WEIGHTS)})
    write_whole(folder / CONFIG, released.model_dump_json(indent=1) + "\n")
    write_whole(folder / "metrics.json", canonical_json(figures) + b"\n")
    found = {"dataset": about.origin.source, "dataset_revision": about.origin.revision}
    said = {**generator.provenance(seeds=list(SEEDS)), **found}
    write_whole(folder / "samples.png", png(generator.sheet(SEEDS), said))
    write_whole(folder / "README.md", model_card.card(about, generator.kimg, figures, repo, licence))
    names = (WEIGHTS, CONFIG, "metrics.json", "samples.png", "README.md")
    return [
        LocalFile(name, folder / name, (folder / name).stat().st_size, sha256_of(folder / name))
        for name in names
    ]


def judged(run: Run, path: Path, sha256: str) -> dict[str, Any] | None:
    """The last figures of this checkpoint: by `judge`, else from training; `None`: it was never judged."""
    found: Mapping[str, Any] | None = checkpoints.facts(path).get("judged")
    if found is None:
        kimg = checkpoints.facts(path)["kimg"]
        found = next((one for one in run.stats() if "kid" in one and one["kimg"] == kimg), None)
    for line in Journal(run.path / "judged.jsonl").read():
        if line.get("checkpoint_sha256") == sha256:
            found = line
    if found is None:
        return None
    told = {name: found.get(name) for name in _MEASURES}
    return {**told, "extractor": _bare(str(told["extractor"]))}


def _without_places(about: About) -> About:
    """What others may read: no folder of this machine."""
    settings = about.settings.model_copy(update={"extractor": _bare(about.settings.extractor)})
    origin = about.origin
    if origin.revision is None:
        origin = origin.model_copy(update={"source": f"{about.name} (not published)"})
    return about.model_copy(update={"settings": settings, "origin": origin})


def _bare(words: str) -> str:
    """`inception:/srv/ada/weights.pth` → `inception:weights.pth`."""
    kind, colon, path = words.rpartition(":")
    return f"{kind}{colon}{PurePath(path).name}"
