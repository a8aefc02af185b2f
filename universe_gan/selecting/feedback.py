"""Feeding good pictures back: accepted ones go into a dataset.

    generated/nebulae/pictures.jsonl     what each picture is (`pictures`)
    generated/nebulae/ranking.jsonl      what the machine thinks of each (`candidates`, `rankings`)
    generated/nebulae/decisions.jsonl    what a person said of some
    manifests/nebulae.synthetic.jsonl    the accepted ones with their lineage; `curate` makes rows of them

Accepted files go into the workspace's store before the list names them, so that a kill in between loses
nothing, and the same words again do nothing twice.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image
from pydantic import ValidationError

from collectors.formats import FORMATS
from collectors.storage.files import sha256_of
from collectors.storage.stores import Store
from curation.dataset import synthetic
from curation.dataset.synthetic import Synthetic
from universe_gan import pictures, sheets
from universe_gan.selecting.candidates import Choice, Drawn

STEPS = {"coloured": "colour", "upscaled": "upscale"}
"""What the provenance of a picture calls what was done to it, and the name of the command."""
_OWN = frozenset({"drawn_sha256", "rank", "accepted", "quality", "novelty", "steps", "sha256", "licences"})


class LineageMissing(Exception):
    """A picture that does not say which run, seed and checkpoint it comes from."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path, self.problem = path, problem


def shelve(chosen: Iterable[Choice], folder: Path) -> list[Path]:
    """Copy accepted pictures into a folder of their own, with all that is said of them and their rank.

    Raises `NotOurs`, `DiskFull`.
    """
    with pictures.Shelf(folder) as shelf:
        return [
            shelf.add(one.path.name, one.path.read_bytes(), {**one.line, "selected": _selected(one)})
            for one in chosen
        ]


def _selected(one: Choice) -> dict[str, Any]:
    return {
        "rank": one.ranked.rank,
        "quality": round(one.ranked.quality, 4),
        "novelty": round(one.ranked.novelty, 4),
        "accepted": "by hand" if one.by_hand else "best",
    }


def feed_back(chosen: Sequence[Choice], listed: Path, store: Store) -> tuple[int, int]:
    """Put accepted pictures into the store and on the list; how many are new, and how many are listed now.

    Raises:
        LineageMissing: nobody could tell where a picture comes from; nothing was listed.
        SyntheticBroken: the list that is there.
        DiskFull: the list is untouched.
    """
    known = {one.drawn_sha256: one for one in synthetic.read(listed)}
    encoded = [_encoded(one) for one in chosen]
    new = [(one, data) for one, data in encoded if one.drawn_sha256 not in known]
    for _, data in new:
        store.add(data)
    if new:
        synthetic.write(listed, [*known.values(), *(one for one, _ in new)])
    return len(new), len(known) + len(new)


def put_back(made: Drawn, listed: Path, store: Store) -> int:
    """Bring pictures of the list back into the store that were drawn again; how many had the same bytes.

    Raises `SyntheticBroken`, `DiskFull`.
    """
    lost = {one.drawn_sha256: one for one in synthetic.read(listed) if not store.is_sound(one.sha256)}
    count = 0
    for line in made.lines if lost else ():
        path = made.folder / line["file"]
        one = lost.get(sha256_of(path))
        data = _bare(path, line) if one else b""
        if one and hashlib.sha256(data).hexdigest() == one.sha256:
            store.put(one.sha256, data)
            count += 1
    return count


def _encoded(one: Choice) -> tuple[Synthetic, bytes]:
    """The picture as the dataset holds it, and its line."""
    data = _bare(one.path, one.line)
    facts = {
        **_lineage(one.line),
        "sha256": hashlib.sha256(data).hexdigest(),
        "drawn_sha256": sha256_of(one.path),
        "rank": one.ranked.rank,
        "quality": round(one.ranked.quality, 4),
        "novelty": round(one.ranked.novelty, 4),
        "accepted": "by hand" if one.by_hand else "best",
    }
    try:
        return Synthetic.model_validate(facts), data
    except ValidationError as error:
        problems = {f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()}
        raise LineageMissing(one.path, "; ".join(sorted(problems))) from error


def _bare(path: Path, line: Mapping[str, Any]) -> bytes:
    """A PNG of the same pixels, without places of this machine in what it says of itself."""
    with Image.open(path, formats=FORMATS) as image:
        return sheets.png(image.convert("RGB"), {"synthetic": True, **_lineage(line)})


def _lineage(line: Mapping[str, Any]) -> dict[str, Any]:
    """Who drew it and what it had learned from; no folder of this machine."""
    told = {name: line[name] for name in Synthetic.model_fields if name in line and name not in _OWN}
    steps = sorted(STEPS[name] for name in STEPS if name in line)
    revision = line.get("dataset_revision")
    place = line.get("dataset") if revision else f"{line.get('run')} (not published)"
    return {
        **told,
        "dataset": place,
        "licences": dict(line.get("dataset_licences") or {}),
        **({"steps": steps} if steps else {}),
    }
