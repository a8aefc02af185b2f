"""The sample can be made again, byte for byte, from the Debian package it came from."""

import os
from pathlib import Path

import PIL
import pytest
from real import make_sample

import universe_gan

DEBIAN = Path(os.environ.get("STELLARIUM_DATA", "/"))
"""Where the package is unpacked, if it is not installed."""
SAMPLE = Path(universe_gan.__file__).parent / "sample"


def contents(folder: Path) -> dict[str, bytes]:
    files = [*folder.rglob("*.jpg"), folder / "credits.jsonl"]
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


@pytest.mark.skipif(
    not (DEBIAN / "usr/share/stellarium/nebulae/default/textures.json").is_file(),
    reason="Debian's stellarium-data is not installed (or unpacked in $STELLARIUM_DATA)",
)
@pytest.mark.skipif(PIL.__version__ != make_sample.MADE_WITH, reason="another Pillow writes other bytes")
def test_the_sample_is_what_the_maker_makes(tmp_path: Path) -> None:
    make_sample.make(DEBIAN, tmp_path)
    assert contents(tmp_path) == contents(SAMPLE)


TEXTURES = """{ "subTiles" : [
  {"imageCredits" : {"Short": "Ada Lane", "infoUrl": "https://example.org/m42"},
   "imageUrl" : "m42.png", "worldCoords": [[0,0],],},
  {"imageCredits": {"short" : "Bo"},
   "imageUrl" : "n1.png"}]}"""

CREDITS = """
4. Graphics
\t4.1 All graphics are copyrighted except the ones mentioned below :
\t4.2 Images of M42, NGC1
\t     from Ada Lane
\t     http://ada.example.org/
\t     License: Creative Commons Attribution 3.0 Unported
\t4.3 Image of NGC1 and SH2-1 from Bo
\t     https://commons.wikimedia.org/wiki/
## Appendix
"""


def test_authors_and_pages_are_read_from_the_loose_json() -> None:
    assert make_sample._textures(TEXTURES) == {
        "m42": ("Ada Lane", "https://example.org/m42"),
        "n1": ("Bo", None),
    }


def test_paragraphs_are_read_and_a_name_in_two_of_them_counts_for_none() -> None:
    assert make_sample._sections(CREDITS) == {
        "m42": ("4.2", "Ada Lane", "http://ada.example.org/", "Creative Commons Attribution 3.0 Unported"),
        "sh2-1": ("4.3", "Bo", None, ""),
    }


def sky(author: str, words: str) -> make_sample.Sky:
    made = make_sample.Sky.__new__(make_sample.Sky)
    made.textures = {"m42": (author, None)}
    made.sections = {"m42": ("4.2", "Ada Lane", None, words)}
    return made


M42 = make_sample.Picture("m42", "m42-orion", "Orion Nebula", make_sample.EMISSION, "Orion")
BY = "Creative Commons Attribution 3.0 Unported"


def test_a_picture_whose_two_credits_agree_gets_a_line() -> None:
    line = sky("ADA LANE", BY).credit(M42)
    assert (line["creator"], line["licence"]) == ("Ada Lane", "CC-BY-3.0")


def test_a_picture_whose_two_credits_disagree_is_never_made() -> None:
    with pytest.raises(ValueError, match="'Bo' or by 'Ada Lane'"):
        sky("Bo", BY).credit(M42)


@pytest.mark.parametrize("words", ["", "permission given", "Creative Commons Attribution-NonCommercial 3.0"])
def test_a_picture_without_a_free_licence_is_never_made(words: str) -> None:
    with pytest.raises(ValueError, match="terms that are not known"):
        sky("Ada Lane", words).credit(M42)
