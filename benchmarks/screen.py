"""What the screening catches and what it loses, on real pictures, and what it costs.

    python benchmarks/screen.py [--packages FOLDER] [--good FOLDER] [--images N] [--json F]

Good: deep-sky pictures of an installed Stellarium (or a folder of yours); of these, as drawn by us: 3 x
enlarged, captioned, signed, framed, four on one sheet. No sky: pictures in Debian packages, unpacked below
`--packages` (`apt-get download PACKAGE; dpkg-deb -x PACKAGE.deb FOLDER/PACKAGE`); missing ones are left out.
Every N-th picture of a package counts, none with a side below 200 pixels. The weights of
`curation.screening.measures` were fitted to these pictures, so the shares flatter.
"""

import argparse
import json
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from curation.imaging.fingerprint import fingerprint
from curation.imaging.pixels import TooManyPixels, Unreadable, open_upright, size_in_header
from curation.screening.measures import FILTERS, Views, scores
from curation.screening.screen import FEATURES, POINT, threshold
from curation.settings import ScreenSettings

GOOD = Path("/usr/share/stellarium/nebulae/default")
NO_SKY: Mapping[str, tuple[tuple[str, str], ...]] = {
    "charts": (
        ("python-astropy-doc", "usr/share/doc/python-astropy-doc/html/**/*.png"),
        ("octave-doc", "usr/share/doc/octave/**/*.png"),
    ),
    "screenshots": (
        ("kstars-data", "usr/share/doc/HTML/en/**/*.png"),
        ("gimp-help-en", "usr/share/gimp/2.0/help/en/images/**/*.png"),
        ("marble-data", "usr/share/doc/HTML/en/**/*.png"),
    ),
    "clip art": (("openclipart-png", "usr/share/openclipart/png/**/*.png"),),
    "icons": (
        ("oxygen-icon-theme", "usr/share/icons/oxygen/base/256x256/**/*.png"),
        ("desktop-base", "usr/share/desktop-base/**/*.png"),
    ),
    "figures": (
        ("python-skimage-doc", "usr/share/doc/python-skimage-doc/html/_images/*.png"),
        ("opencv-doc", "usr/share/doc/opencv-doc/opencv4/html/*.png"),
    ),
    "photographs": (
        ("gnome-backgrounds", "usr/share/backgrounds/**/*"),
        ("mate-backgrounds", "usr/share/backgrounds/mate/nature/*"),
        ("lomiri-wallpapers-16.04", "usr/share/backgrounds/*"),
        ("ukui-wallpapers", "usr/share/backgrounds/*"),
        ("opencv-doc", "usr/share/doc/opencv-doc/examples/data/*.jpg"),
    ),
    "wallpapers": (
        ("plasma-workspace-wallpapers", "usr/share/wallpapers/*/contents/images*/*"),
        ("mate-backgrounds", "usr/share/backgrounds/mate/abstract/*"),
        ("sway-backgrounds", "usr/share/backgrounds/sway/*"),
    ),
    "constellation art": (("kstars-data", "usr/share/kstars/skycultures/**/*.png"),),
}
KINDS = {".png", ".jpg", ".jpeg", ".webp"}


def main() -> None:
    """Measure each set, print the table, write the JSON."""
    arguments = parse()
    rows = []
    good = chosen(arguments.good.glob("*"), 10_000)
    rows.append(measured("good", map(opened, good)))
    for name, make in MADE.items():
        rows.append(measured(name, (make(one) for one in map(opened, good[::9]) if one)))
    for name, packages in NO_SKY.items():
        found = [
            path
            for package, pattern in packages
            for path in chosen((arguments.packages / package).glob(pattern), arguments.images)
        ]
        rows.append(measured(name, map(opened, found)))
    rows = [row for row in rows if row["pictures"]]
    report(rows)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--packages", type=Path, default=Path("packages"), help="unpacked Debian packages")
    parser.add_argument("--good", type=Path, default=GOOD, help="pictures that should be kept")
    parser.add_argument("--images", type=int, default=60, help="pictures of each package")
    parser.add_argument("--json", type=Path, help="write the figures here")
    return parser.parse_args()


def chosen(paths: Iterable[Path], images: int) -> list[Path]:
    """Pictures spread evenly over the names, links left out."""
    found = sorted(path for path in paths if path.suffix.lower() in KINDS and not path.is_symlink())
    found = [path for path in found if large(path)]
    return found[:: max(1, len(found) // images)][:images]


def large(path: Path) -> bool:
    try:
        return min(size_in_header(path)) >= 200
    except Unreadable:
        return False


def opened(path: Path) -> Image.Image | None:
    try:
        return open_upright(path, max_pixels=200_000_000).image
    except (Unreadable, TooManyPixels):
        return None


def captioned(picture: Image.Image) -> Image.Image:
    high = picture.height // 10
    paper = Image.new("RGB", (picture.width, picture.height + high), "white")
    paper.paste(picture)
    font = ImageFont.load_default(size=max(9, high // 2))
    ImageDraw.Draw(paper).text((10, picture.height + high // 5), "NGC 1234, 12 March 2019", "black", font)
    return paper


def signed(picture: Image.Image) -> Image.Image:
    over = Image.new("RGBA", picture.size)
    font = ImageFont.load_default(size=max(10, picture.height // 26))
    place = (picture.width * 0.6, picture.height * 0.93)
    ImageDraw.Draw(over).text(place, "© J. Smith 2019", (255, 255, 255, 110), font)
    return Image.alpha_composite(picture.convert("RGBA"), over).convert("RGB")


def framed(picture: Image.Image) -> Image.Image:
    wide = picture.width // 25
    paper = Image.new("RGB", (picture.width + 2 * wide, picture.height + 2 * wide), "white")
    paper.paste(picture, (wide, wide))
    return paper


def four(picture: Image.Image) -> Image.Image:
    """Quarters of a picture, in another order, with gutters between them."""
    wide, high = picture.width // 2, picture.height // 2
    paper = Image.new("RGB", (2 * wide + 8, 2 * high + 8), "white")
    for place, part in enumerate((3, 0, 1, 2)):
        left, top = (part % 2) * wide, (part // 2) * high
        quarter = picture.crop((left, top, left + wide, top + high))
        paper.paste(quarter, ((place % 2) * (wide + 8), (place // 2) * (high + 8)))
    return paper


def enlarged(picture: Image.Image) -> Image.Image:
    return picture.resize((3 * picture.width, 3 * picture.height), Image.Resampling.BICUBIC)


MADE = {"captioned": captioned, "signed": signed, "framed": framed, "four in one": four, "3 x": enlarged}


def measured(name: str, pictures: Iterable[Image.Image | None]) -> dict[str, object]:
    """How many pictures of a set each filter drops, how many any drops, and the median milliseconds."""
    settings, hits, spent = ScreenSettings(), dict.fromkeys((*FILTERS, "blank", "any"), 0), []
    doubtful = count = 0
    for picture in pictures:
        if picture is None:
            continue
        count += 1
        began = time.process_time()
        found = scores(Views.of(picture))
        spent.append(1000 * (time.process_time() - began))
        print_ = fingerprint(picture)
        over = [kind for kind, score in found.items() if score > threshold(kind, settings)]
        over += ["blank"] if print_.detail < FEATURES and print_.peak < POINT else []
        for kind in (*over, *(["any"] if over else [])):
            hits[kind] += 1
        near = (abs(score - threshold(kind, settings)) <= settings.doubtful for kind, score in found.items())
        doubtful += any(near)
    middle = float(np.median(spent)) if spent else 0.0
    return {"set": name, "pictures": count, **hits, "doubtful": doubtful, "ms": round(middle, 1)}


def report(rows: list[dict[str, object]]) -> None:
    columns = list(rows[0]) if rows else []
    print(" ".join(f"{column:>17}" if column == "set" else f"{column:>10}" for column in columns))
    for row in rows:
        print(" ".join(f"{row[c]!s:>17}" if c == "set" else f"{row[c]!s:>10}" for c in columns))


if __name__ == "__main__":
    main()
