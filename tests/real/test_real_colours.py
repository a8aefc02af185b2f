"""Colour matching on photographs of the deep sky (Debian's stellarium-data) under a tint."""

import numpy as np
import pytest
import stellarium
from numpy.typing import NDArray
from PIL import Image

pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("skimage", reason="scikit-image is not installed")

from universe_gan.colour import Reference, levels, matched_set
from universe_gan.measuring.metrics import colour_distance

Set = NDArray[np.uint8]
SIDE = 96


def skies(count: int) -> Set:
    """So many that are not nearly black, in an order of chance."""
    paths = stellarium.nebulae()
    np.random.default_rng(0).shuffle(paths)  # type: ignore[arg-type]
    found: list[Set] = []
    for path in paths:
        with Image.open(path) as image:
            upright = image.convert("RGBA").convert("RGB")
        small = np.asarray(upright.resize((SIDE, SIDE), Image.Resampling.BICUBIC))
        if small.mean() > 15:
            found.append(small)
        if len(found) == count:
            break
    return np.stack(found)


def variety(pictures: Set) -> float:
    """Variance of the pictures' mean colours across the set."""
    return float(pictures.mean(axis=(1, 2)).var(axis=0).sum())


def test_a_tint_goes_and_variety_stays() -> None:
    everything = skies(170)
    train, held_out, true = everything[:90], everything[90:130], everything[130:]
    tinted = levels(((true / 255 * [1.15, 0.85, 0.7]).clip(0, 1) ** 0.8).astype(np.float32))
    after = matched_set(tinted, Reference.of(train))
    distances = [colour_distance(held_out, one) for one in (true, tinted, after)]
    kept = variety(after) / variety(true)
    print(f"levels: true, tinted, matched: {distances}; kept {kept:.2f}")
    assert distances[2] < 0.8 * distances[1]
    assert kept > 0.6
