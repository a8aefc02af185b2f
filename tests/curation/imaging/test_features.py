"""Local features: the same bytes for the same pixels, small, and mirrored without another look."""

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps
from skies import a_sky

from collectors.storage.stores import Store
from curation.imaging import features
from curation.imaging.features import MOST, FeaturesBroken, extract, unpack
from curation.imaging.fingerprint import canonical, fingerprint

pytestmark = pytest.mark.skipif(
    not features.available(), reason="OpenCV is not installed: pip install 'universe-gan[verify]'"
)


def test_the_same_pixels_give_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    gray = canonical(a_sky(1, 300))
    gray.save(tmp_path / "sky.png")
    code = (
        "import sys, PIL.Image; from curation.imaging.features import extract;"
        "sys.stdout.buffer.write(extract(PIL.Image.open(sys.argv[1])))"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "sky.png")],
        env={"PYTHONPATH": str(Path(__file__).resolve().parents[3]), "OMP_NUM_THREADS": "2"},
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    assert said == extract(gray)
    assert len(said) <= 45_000


def test_what_is_packed_lies_in_the_picture_and_the_strongest_are_kept() -> None:
    image = canonical(a_sky(2, 400, 300))
    found = unpack(extract(image))
    assert (found.width, found.height, len(found)) == (400, 300, MOST)
    assert found.descriptors.shape == (MOST, 128)
    assert 0 <= found.x.min() <= found.x.max() < 400
    assert 0 <= found.y.min() <= found.y.max() < 300
    assert 0 <= found.angle.min() <= found.angle.max() < 2 * np.pi
    assert np.allclose(np.linalg.norm(found.vectors(), axis=1), 1, atol=1e-5)
    assert np.linalg.norm(found.descriptors / 512, axis=1).min() > 0.98


def test_a_mirrored_pictures_features_are_derived_and_not_sought_again() -> None:
    image = canonical(a_sky(3, 256))
    derived = unpack(extract(image)).mirrored()
    sought = unpack(extract(ImageOps.mirror(image)))
    likeness = derived.vectors() @ sought.vectors().T
    nearest = likeness.argmax(axis=1)
    apart = np.hypot(derived.x - sought.x[nearest], derived.y - sought.y[nearest])
    right = apart < 2
    assert right.mean() > 0.8
    turned = np.angle(np.exp(1j * (derived.angle - sought.angle[nearest])))[right]
    assert np.median(np.abs(turned)) < 0.05
    assert np.median(likeness.max(axis=1)[right]) > 0.95
    assert derived.mirrored().descriptors.tobytes() == unpack(extract(image)).descriptors.tobytes()


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (2, 2), (7, 5), (200, 200)])
def test_pictures_without_structure_have_none(size: tuple[int, int]) -> None:
    assert len(unpack(extract(Image.new("L", size, 30)))) == 0


def test_other_bytes_are_no_features() -> None:
    good = extract(canonical(a_sky(4, 128)))
    for bad in (b"", good[:-1], good + b"x", bytes([99]) + good[1:]):
        with pytest.raises(FeaturesBroken):
            unpack(bad)


def test_they_are_made_of_the_thumbnail_so_that_they_can_be_made_later(tmp_path: Path) -> None:
    thumbnails, kept = Store(tmp_path / "thumbnails"), Store(tmp_path / "features")
    data = fingerprint(a_sky(5, 256)).thumbnail
    thumbnails.path("ab12" * 16).parent.mkdir(parents=True)
    thumbnails.path("ab12" * 16).write_bytes(data)
    features.keep("ab12" * 16, thumbnails, kept)
    with Image.open(io.BytesIO(data)) as thumbnail:
        assert kept.read("ab12" * 16) == extract(thumbnail)
    features.keep_none("cd34" * 16, kept)
    assert len(unpack(kept.read("cd34" * 16))) == 0
