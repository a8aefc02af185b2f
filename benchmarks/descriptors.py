"""What the local features of nebulae have in common: makes `curation/duplicates/commonplace.npz`.

    python benchmarks/descriptors.py [--pictures FOLDER] [--directions 24] [--write FILE]

FOLDER holds real pictures (default: Debian's stellarium-data). Prints how much is left of each direction, and
writes the file where one is named: other codes, and so other candidates, follow from it
(`retrieval.VERSION`; `benchmarks/duplicates.py recall` says how good they are). OpenCV is needed.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from curation.duplicates.retrieval import telling
from curation.imaging import crop, features
from curation.imaging.fingerprint import canonical
from curation.settings import CurateSettings

SETTINGS = CurateSettings(size=16, min_side=1)
NEBULAE = Path("/usr/share/stellarium/nebulae/default")


def main() -> None:
    """Learn, print, and write if asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--pictures", type=Path, default=NEBULAE)
    parser.add_argument("--directions", type=int, default=24, help="how many are shrunk")
    parser.add_argument("--write", type=Path, help="the .npz to write")
    asked = parser.parse_args()
    endings = {".png", ".jpg", ".jpeg"}
    paths = sorted(path for path in asked.pictures.iterdir() if path.suffix.lower() in endings)
    found = np.concatenate([descriptors(path) for path in paths])
    learnt = {name: value.astype(np.float16) for name, value in learn(found, asked.directions).items()}
    print(f"{len(paths):,} pictures, {len(found):,} descriptors; left of each direction:")
    print(" ".join(f"{left:.3f}" for left in learnt["shrunk"]))
    if asked.write:
        np.savez_compressed(asked.write, **learnt)


def learn(found: NDArray[np.float32], directions: int) -> dict[str, NDArray[np.float64]]:
    """Mean, axes and what is left of each, of (n, 128) descriptors and their mirror images."""
    both = np.concatenate([found, found[:, features.MIRROR]]).astype(np.float64)
    mean = both.mean(axis=0)
    spread, axes = np.linalg.eigh(np.cov((both - mean).T))
    spread, axes = spread[::-1], axes.T[::-1]
    return {
        "mean": mean,
        "axes": axes[:directions],
        "shrunk": np.sqrt(spread[directions] / spread[:directions]),
    }


def descriptors(path: Path) -> NDArray[np.float32]:
    """(features, 128) of one picture, without stars."""
    vectors = features.unpack(features.extract(canonical(crop.decode(path, SETTINGS).image))).vectors()
    return vectors[telling(vectors)]


if __name__ == "__main__":
    main()
