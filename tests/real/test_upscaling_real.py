"""The packaged weights on real skies: made small and large again, nearer to the truth than by Lanczos."""

from math import isfinite

import numpy as np
import pytest
import stellarium

pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("pyvips", reason="pyvips is not installed")
pytest.importorskip("sep", reason="sep is not installed")
pytest.importorskip("skimage", reason="scikit-image is not installed")

from PIL import Image

from universe_gan.upscaling import evaluate, weights
from universe_gan.upscaling.evaluate import LANCZOS, NETWORK, OURS, Bytes, Figures
from universe_gan.upscaling.upscaler import Upscaler

PICTURES, SIDE = 20, 128


def crops() -> list[Bytes]:
    """The middle of evenly chosen photographs that are large enough."""
    found: list[Bytes] = []
    known = stellarium.nebulae()
    for path in known[:: max(1, len(known) // (2 * PICTURES))]:
        with Image.open(path) as image:
            picture = np.asarray(image.convert("RGB"))
        top, left = ((side - SIDE) // 2 for side in picture.shape[:2])
        if min(top, left) >= 0 and picture.any():
            found.append(np.ascontiguousarray(picture[top : top + SIDE, left : left + SIDE]))
    return found[:PICTURES]


@pytest.fixture(scope="module")
def judged() -> list[dict[str, Figures]]:
    if weights.packaged_path() is None:
        pytest.skip(f"{weights.PACKAGE} is not installed")
    ways = evaluate.methods(Upscaler(weights.packaged(), strength=None))
    found = []
    for truth in crops():
        small = evaluate.shrunk(truth, 4)
        found.append({name: evaluate.compare(truth, enlarge(small)) for name, enlarge in ways.items()})
    assert len(found) == PICTURES
    return found


def test_real_skies_come_out_nearer_to_the_truth_than_by_lanczos(judged: list[dict[str, Figures]]) -> None:
    means = {name: evaluate.mean([one[name] for one in judged]) for name in judged[0]}
    assert all(isfinite(one.psnr) for one in means.values())
    assert means[OURS].psnr > means[LANCZOS].psnr + 0.3
    assert means[OURS].psnr > means[NETWORK].psnr + 1
    assert means[OURS].ssim > means[LANCZOS].ssim
    assert sum(one[OURS].psnr > one[LANCZOS].psnr for one in judged) > 0.75 * PICTURES


def test_stars_keep_their_light_and_colours_stay(judged: list[dict[str, Figures]]) -> None:
    ours, network = (evaluate.mean([one[name] for one in judged]) for name in (OURS, NETWORK))
    assert ours.stars >= 20
    assert ours.flux == pytest.approx(1, abs=0.05)
    assert ours.colour < 0.2
    assert network.colour > 10 * ours.colour
