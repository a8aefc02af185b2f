"""Tuning with the packaged weights on real skies: a few steps, and unseen ones are enlarged better."""

from pathlib import Path

import numpy as np
import pytest
import stellarium

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from universe_gan import data  # noqa: E402
from universe_gan.training.loop import train  # noqa: E402
from universe_gan.upscaling import tuned, weights  # noqa: E402
from universe_gan.upscaling.exam import exam, is_better  # noqa: E402
from universe_gan.upscaling.tune import Tuning  # noqa: E402
from universe_gan.upscaling.tune_settings import TuneSettings  # noqa: E402

SETTINGS = TuneSettings(
    batch=2, crop=24, kimg=0.03, l1_kimg=1, critic=4, log_kimg=1, save_kimg=1, precision="fp32"
)


def test_fifteen_steps_with_the_packaged_weights_enlarge_unseen_skies_better(tmp_path: Path) -> None:
    if weights.packaged_path() is None:
        pytest.skip(f"{weights.PACKAGE} is not installed")
    (tmp_path / "skies").mkdir()
    for path in stellarium.nebulae()[::20]:
        (tmp_path / "skies" / path.name).symlink_to(path)
    whole = data.prepare(str(tmp_path / "skies"), side=96, cache=tmp_path / "cache")
    learned, held_out = tuned.parted(whole.train, whole.held_out)
    assert not {one.tobytes() for one in learned.pixels} & {one.tobytes() for one in held_out.pixels}
    net, device = weights.packaged().net, torch.device("cpu")
    judge = exam(np.ascontiguousarray(held_out.pixels), net, tail=True, passes=2, device=device)
    tuning = Tuning(SETTINGS, net, 96, device)
    train(tuning, learned)
    after = judge.figures(tuning.average)
    assert after["psnr"] > judge.before["psnr"] + 0.1
    assert after["held_out_l1"] < judge.before["held_out_l1"]
    assert is_better(after, judge.before, judge.before)
