"""Make the sample that ships with the project, byte for byte, from Debian's stellarium-data.

    apt-get download stellarium-data && dpkg -x stellarium-data_*.deb unpacked
    python tests/real/make_sample.py unpacked universe_gan/sample

A picture is taken only where the two files that credit it, `textures.json` and §4 of `CREDITS.md`, name the
same author, and the latter a free licence; otherwise this stops. The bytes depend on Pillow's JPEG encoder:
`MADE_WITH` names the version they were made with.
"""

import argparse
import gzip
import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import PIL
from PIL import Image, ImageOps

MADE_WITH = "13.0.0"
VERSION = "0.22.2"
REPOSITORY = f"https://github.com/Stellarium/stellarium/blob/v{VERSION}"
CREDITS_PAGE = f"{REPOSITORY}/CREDITS.md"

Line = dict[str, Any]
"""One line of the sidecar."""

LONG_SIDE = 512
QUALITY = 88

LICENCES = {
    "public domain": ("Public domain", CREDITS_PAGE),
    "public domain; http://hubblesite.org/copyright/": (
        "LicenseRef-PD-Hubble",
        "http://hubblesite.org/copyright/",
    ),
    "Creative Commons CC0 1.0 Universal Public Domain Dedication": (
        "CC0-1.0",
        "https://creativecommons.org/publicdomain/zero/1.0/",
    ),
    "Creative Commons Attribution 3.0 Unported": (
        "CC-BY-3.0",
        "https://creativecommons.org/licenses/by/3.0/",
    ),
    "Creative Commons Attribution 4.0 International": (
        "CC-BY-4.0",
        "https://creativecommons.org/licenses/by/4.0/",
    ),
    "Creative Commons Attribution-Share Alike 3.0 Unported": (
        "CC-BY-SA-3.0",
        "https://creativecommons.org/licenses/by-sa/3.0/",
    ),
    "Creative Commons Attribution-Share Alike 4.0 International": (
        "CC-BY-SA-4.0",
        "https://creativecommons.org/licenses/by-sa/4.0/",
    ),
}
"""The words of CREDITS.md → what the sidecar says, and the address where the terms stand."""


EMISSION, REFLECTION, DARK = "Emission nebula", "Reflection nebula", "Dark nebula"
PLANETARY, REMNANT = "Planetary nebula", "Supernova remnant"


@dataclass(frozen=True)
class Picture:
    """One picture of Stellarium."""

    texture: str
    """File name there, without the ending."""
    file: str
    """File name here; it begins with the catalogue number under which §4 lists the picture."""
    title: str
    kind: str
    constellation: str
    trim: tuple[int, int, int, int] | None = None
    """Box inside the black margins that Stellarium added to make it square."""

    @property
    def listed(self) -> str:
        found = re.match(r"sh2-\d+|[a-z]+\d+", self.file)
        assert found
        return found[0]


PICTURES = (
    Picture("m8", "m8-lagoon", "Lagoon Nebula (M 8)", EMISSION, "Sagittarius", (0, 168, 1024, 840)),
    Picture("m17", "m17-omega", "Omega Nebula (M 17)", EMISSION, "Sagittarius"),
    Picture("m20", "m20-trifid", "Trifid Nebula (M 20)", EMISSION, "Sagittarius"),
    Picture("m42", "m42-orion", "Orion Nebula (M 42)", EMISSION, "Orion", (208, 40, 1008, 1008)),
    Picture("m78", "m78", "Messier 78", REFLECTION, "Orion"),
    Picture("n281", "ngc281-pacman", "Pacman Nebula (NGC 281)", EMISSION, "Cassiopeia"),
    Picture("n1333", "ngc1333", "NGC 1333", REFLECTION, "Perseus"),
    Picture("n1491", "ngc1491", "Fossil Footprint Nebula (NGC 1491)", EMISSION, "Perseus"),
    Picture("n1499", "ngc1499-california", "California Nebula (NGC 1499)", EMISSION, "Perseus"),
    Picture("n1579", "ngc1579", "NGC 1579", REFLECTION, "Perseus"),
    Picture("n2244", "ngc2244-rosette", "Rosette Nebula (NGC 2244)", EMISSION, "Monoceros"),
    Picture("n2736", "ngc2736-pencil", "Pencil Nebula (NGC 2736)", REMNANT, "Vela"),
    Picture("n2818", "ngc2818", "NGC 2818", PLANETARY, "Pyxis"),
    Picture("n3199", "ngc3199", "NGC 3199", EMISSION, "Carina"),
    Picture("n5189", "ngc5189", "Spiral Planetary Nebula (NGC 5189)", PLANETARY, "Musca"),
    Picture("n6357", "ngc6357", "NGC 6357", EMISSION, "Scorpius"),
    Picture("n6590", "ngc6590", "NGC 6590", REFLECTION, "Sagittarius"),
    Picture("n6781", "ngc6781", "NGC 6781", PLANETARY, "Aquila"),
    Picture("n6888", "ngc6888-crescent", "Crescent Nebula (NGC 6888)", EMISSION, "Cygnus"),
    Picture("n7129", "ngc7129", "NGC 7129", REFLECTION, "Cepheus"),
    Picture("n7293", "ngc7293-helix", "Helix Nebula (NGC 7293)", PLANETARY, "Aquarius"),
    Picture("n7380", "ngc7380-wizard", "Wizard Nebula (NGC 7380)", EMISSION, "Cepheus"),
    Picture("ic1295", "ic1295", "IC 1295", PLANETARY, "Scutum"),
    Picture("ic434", "ic434-horsehead", "Horsehead Nebula (IC 434)", DARK, "Orion", (178, 0, 846, 1024)),
    Picture("ic1396", "ic1396", "IC 1396", EMISSION, "Cepheus"),
    Picture("ic4406", "ic4406-retina", "Retina Nebula (IC 4406)", PLANETARY, "Lupus"),
    Picture("ic4628", "ic4628-prawn", "Prawn Nebula (IC 4628)", EMISSION, "Scorpius"),
    Picture("lbn438", "lbn438", "LBN 438", REFLECTION, "Lacerta"),
    Picture("rcw38", "rcw38", "RCW 38", EMISSION, "Vela"),
    Picture("sh2-136", "sh2-136-ghost", "Ghost Nebula (Sh2-136)", REFLECTION, "Cepheus"),
    Picture("sh2-240", "sh2-240", "Simeis 147 (Sh2-240)", REMNANT, "Taurus"),
    Picture("sh2-308", "sh2-308", "Sh2-308", EMISSION, "Canis Major"),
)  # fmt: skip

NOT_SHIPPED = Picture("ic405-vasey", "ic405-flaming-star", "Flaming Star Nebula (IC 405)", EMISSION, "Auriga")
"""A picture without a stated licence: its line stands in the sidecar, its file stays away."""

SECOND_STATEMENT = {
    "ic4406": (
        "https://creativecommons.org/licenses/by/4.0/",
        "the source page is of ESA/Hubble, whose pictures of the same team are CC BY 4.0 in §4.99",
    )
}
"""Pictures that a second statement gives other terms: its address, and how it is known."""


def _hue(image: Image.Image) -> Image.Image:
    hue, saturation, value = image.convert("HSV").split()
    turned = hue.point([(level + 8) % 256 for level in range(256)])
    return Image.merge("HSV", (turned, saturation, value)).convert("RGB")


def _gamma(image: Image.Image) -> Image.Image:
    return image.point([round(255 * (level / 255) ** 0.8) for level in range(256)] * 3)


def _scaled(image: Image.Image) -> Image.Image:
    return ImageOps.scale(image, 0.75, Image.Resampling.LANCZOS)


def _tiny(image: Image.Image) -> Image.Image:
    return image.resize((128, 128), Image.Resampling.LANCZOS)


def _quarter_turn(image: Image.Image) -> Image.Image:
    return image.transpose(Image.Transpose.ROTATE_90)


def _half_turn(image: Image.Image) -> Image.Image:
    return image.transpose(Image.Transpose.ROTATE_180)


Change = Callable[[Image.Image], Image.Image]

DERIVED: tuple[tuple[str, str, str, Change, int], ...] = (
    ("m20-trifid", "smaller", "scaled to 75 %", _scaled, QUALITY),
    ("ngc2736-pencil", "smaller", "scaled to 75 %", _scaled, QUALITY),
    ("lbn438", "turned", "turned by 90°", _quarter_turn, QUALITY),
    ("ngc7293-helix", "turned", "turned by 180°", _half_turn, QUALITY),
    ("ngc6888-crescent", "mirrored", "mirrored", ImageOps.mirror, QUALITY),
    ("ngc1499-california", "brighter", "brightened (gamma 0.8)", _gamma, QUALITY),
    ("sh2-308", "hue", "its hue turned by 11°", _hue, QUALITY),
    ("m17-omega", "q60", "encoded again at quality 60", Image.Image.copy, 60),
    ("ngc5189", "tiny", "scaled to 128 px", _tiny, QUALITY),
)
"""Of which picture, the name's ending, what was done in words, how, and the JPEG quality."""

COPIES = ("ngc6781", "m42-orion")
DAMAGED = "ngc3199"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("root", type=Path, help="the unpacked package, or / where it is installed")
    parser.add_argument("sample", type=Path, help="folder for images/ and credits.jsonl")
    arguments = parser.parse_args()
    if PIL.__version__ != MADE_WITH:
        print(f"Pillow {PIL.__version__} may write other bytes than {MADE_WITH}", file=sys.stderr)
    make(arguments.root, arguments.sample)
    return 0


def make(root: Path, sample: Path) -> None:
    """Write `sample/images/` and `sample/credits.jsonl` anew."""
    sky = Sky(root)
    images = sample / "images"
    shutil.rmtree(images, ignore_errors=True)
    images.mkdir(parents=True)
    lines: dict[str, Line] = {}
    for picture in PICTURES:
        line = sky.credit(picture)
        lines[picture.file] = line
        sky.square(picture).save(images / f"{picture.file}.jpg", **_jpeg(line, QUALITY))
    lines |= dict(_derive(images, lines))
    lines[NOT_SHIPPED.file] = sky.credit(NOT_SHIPPED)
    with (sample / "credits.jsonl").open("w", encoding="utf-8", newline="\n") as file:
        for line in sorted(lines.values(), key=lambda line: str(line["file"])):
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


class Sky:
    """Stellarium's pictures with both of its files of credits."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "usr/share/stellarium/nebulae/default"
        credits = root / "usr/share/doc/stellarium-data/CREDITS.md.gz"
        self.textures = _textures((self.folder / "textures.json").read_text())
        self.sections = _sections(gzip.decompress(credits.read_bytes()).decode())

    def credit(self, picture: Picture) -> Line:
        """The line of the sidecar. Raises `ValueError` where the files disagree or no free licence stands."""
        author, page = self.textures[picture.texture]
        number, listed_author, home, words = self.sections[picture.listed]
        where = f"CREDITS.md §{number} of Stellarium {VERSION}"
        line: Line = {
            "file": f"{picture.file}.jpg",
            "title": picture.title,
            "page": page or f"{REPOSITORY}/nebulae/default/{picture.texture}.png",
            "creator": listed_author,
        }
        if home:
            line["creator_url"] = home
        if picture is NOT_SHIPPED:
            line["how_known"] = f"{where} names the author and no licence"
        else:
            if not _letters(author).startswith(_letters(listed_author)):
                raise ValueError(f"{picture.texture} is by {author!r} or by {listed_author!r}")
            if words not in LICENCES:
                raise ValueError(f"{picture.texture} has terms that are not known here: {words!r}")
            line["licence"], line["licence_url"] = LICENCES[words]
            line["how_known"] = f"{where} names the author and the licence"
        if picture.texture in SECOND_STATEMENT:
            line["licence_url"], why = SECOND_STATEMENT[picture.texture]
            line["how_known"] = f"{line['how_known']}; {why}"
        line["description"] = f"{picture.kind} in the constellation {picture.constellation}."
        if picture is not NOT_SHIPPED:
            trimmed = ", its black margins cut off" if picture.trim else ""
            line["description"] += f" Here at most {LONG_SIDE} px wide and high, as JPEG{trimmed}."
        line["categories"] = [picture.kind]
        return line

    def square(self, picture: Picture) -> Image.Image:
        """The picture over black, without added margins, its long side at most `LONG_SIDE`."""
        with Image.open(self.folder / f"{picture.texture}.png") as source:
            drawn = source.convert("RGBA")
        image = Image.new("RGBA", drawn.size, "black")
        image.alpha_composite(drawn)
        image = image.convert("RGB").crop(picture.trim or (0, 0, *drawn.size))
        image.thumbnail((LONG_SIDE, LONG_SIDE), Image.Resampling.LANCZOS, reducing_gap=None)
        return image


def _derive(images: Path, lines: dict[str, Line]) -> Iterator[tuple[str, Line]]:
    """Files that duplicates and screening should find, each credited as what it was made from."""

    def line(of: str, ending: str, done: str) -> Line:
        original = lines[of]
        return original | {
            "file": f"copies/{of}-{ending}.jpg",
            "title": f"{original['title']}, {done}",
            "description": f"{original['description']} Made for this sample from {original['file']}: {done}.",
            "derived_from": original["file"],
        }

    (images / "copies").mkdir()
    for of, ending, done, change, quality in DERIVED:
        credit = line(of, ending, done)
        with Image.open(images / f"{of}.jpg") as image:
            change(image.convert("RGB")).save(images / str(credit["file"]), **_jpeg(credit, quality))
        yield f"{of}-{ending}", credit
    for of in COPIES:
        credit = line(of, "copy", "copied byte for byte")
        shutil.copyfile(images / f"{of}.jpg", images / str(credit["file"]))
        yield f"{of}-copy", credit
    credit = line(DAMAGED, "damaged", "cut off after 40 % of its bytes")
    whole = (images / f"{DAMAGED}.jpg").read_bytes()
    (images / str(credit["file"])).write_bytes(whole[: len(whole) * 2 // 5])
    yield f"{DAMAGED}-damaged", credit


def _jpeg(line: Line, quality: int) -> dict[str, Any]:
    comment = f"{line['title']}; {line['creator']}; {line['licence']}; {line['page']}"
    return {"format": "JPEG", "quality": quality, "optimize": True, "comment": comment.encode()}


def _textures(text: str) -> dict[str, tuple[str, str | None]]:
    """Texture → author and source page; the file is no strict JSON (two spellings of `short`, too)."""
    found = {}
    for block, file in re.findall(
        r'"imageCredits"\s*:\s*\{(.*?)\}\s*,\s*"imageUrl"\s*:\s*"([^"]+)\.png"', text, re.S
    ):
        author = re.search(r'"short"\s*:\s*"([^"]*)"', block, re.I)
        page = re.search(r'"infoUrl"\s*:\s*"(https?://[^"]*)"', block)
        found[file] = (author.group(1) if author else "", page.group(1) if page else None)
    return found


def _sections(text: str) -> dict[str, tuple[str, str, str | None, str]]:
    """Catalogue name → number of the paragraph, author, the author's own address, the words of the licence.

    A name that two paragraphs list is left out: nobody can tell which of the two holds.
    """
    graphics = text[text.index("\n4. Graphics") : text.index("## Appendix")].replace("```", "")
    found: dict[str, tuple[str, str, str | None, str]] = {}
    twice = set()
    for paragraph in re.split(r"\n[ \t]+(?=4\.\d+[a-z]? )", graphics):
        flat = " ".join(paragraph.split())
        parts = re.match(r"4\.(\d+) Images? of (.*?) from (.*)", flat)
        if not parts:
            continue
        rest, _, words = parts[3].partition("License:")
        author, _, home = rest.strip().partition(" http")
        own = f"http{home}" if home and not re.search(r"commons\.wikimedia|wikipedia", home) else None
        for name in re.split(r"\s*,\s*|\s+and\s+", parts[2]):
            key = name.replace(" ", "").lower()
            twice |= {key} & found.keys()
            found[key] = (f"4.{parts[1]}", author.strip(), own, words.strip())
    return {name: section for name, section in found.items() if name not in twice}


def _letters(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower())


if __name__ == "__main__":
    sys.exit(main())
