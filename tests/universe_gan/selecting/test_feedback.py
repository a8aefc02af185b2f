"""Feeding back: what the list says of an accepted picture."""

from pathlib import Path

import pytest
from PIL import Image

pytest.importorskip("torch", reason="PyTorch is not installed")

from collectors.storage.stores import Store
from curation.dataset import synthetic
from universe_gan import pictures, sheets
from universe_gan.selecting import candidates, feedback
from universe_gan.selecting.select import Ranked

DRAWN = {
    "synthetic": True,
    "model": "lightweight",
    "run": "toy",
    "seed": 1,
    "checkpoint_sha256": "c" * 64,
    "dataset": "data/toy/dataset",
    "dataset_fingerprint": "f" * 64,
}


def test_the_list_says_what_was_done_to_a_picture_after_it_was_drawn(tmp_path: Path) -> None:
    once = pictures.made_from(DRAWN, "coloured", {}, "tool")
    facts = pictures.made_from(once, "upscaled", {}, "tool")
    with pictures.Shelf(tmp_path / "drawn") as shelf:
        path = shelf.add("a.png", sheets.png(Image.new("RGB", (8, 8)), facts), facts)
    [line] = pictures.lines(tmp_path / "drawn")
    ranked = Ranked(0, 1, 1.0, 1.0, None, 0, plausible=True)
    chosen = [candidates.Choice(path, line, ranked, by_hand=False)]
    assert feedback.feed_back(chosen, tmp_path / "toy.synthetic.jsonl", Store(tmp_path / "store")) == (1, 1)
    [one] = synthetic.read(tmp_path / "toy.synthetic.jsonl")
    assert one.steps == ("colour", "upscale")
    assert one.dataset == "toy (not published)"
