"""Folders of pictures: what is written is known, what is somebody else's stays."""

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="sheets of pictures need PyTorch")

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from universe_gan import pictures, sheets
from universe_gan.pictures import NotOurs, Shelf
from universe_gan.study import clear_folder


def png(value: int, facts: dict[str, object] | None = None, side: int = 8) -> bytes:
    return sheets.png(Image.fromarray(np.full((side, side, 3), value, np.uint8)), facts)


def test_a_folder_says_of_every_picture_where_it_comes_from(tmp_path: Path) -> None:
    with Shelf(tmp_path) as shelf:
        shelf.add("b.png", png(2), {"seed": 2})
        shelf.add("a.png", png(1), {"seed": 1})
    assert [(line["file"], line["seed"]) for line in pictures.lines(tmp_path)] == [("a.png", 1), ("b.png", 2)]
    pixels, known = pictures.read(tmp_path)
    assert pixels.shape == (2, 8, 8, 3)
    assert [pixels[0, 0, 0, 0], known[0]["seed"]] == [1, 1]


def test_a_kill_loses_no_line_but_the_torn_one(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.add("a.png", png(1), {"seed": 1})
    (tmp_path / "b.png").write_bytes(png(2, {"seed": 2}))  # whole, but its line
    with (tmp_path / "pictures.jsonl").open("ab") as file:
        file.write(b'{"file":"b.p')
    assert [line["file"] for line in pictures.lines(tmp_path)] == ["a.png"]
    with Shelf(tmp_path) as again:
        again.add("b.png", png(2, {"seed": 2}), {"seed": 2})
    assert [line["file"] for line in pictures.lines(tmp_path)] == ["a.png", "b.png"]


def test_the_last_word_on_a_picture_counts_and_what_is_gone_is_not_told(tmp_path: Path) -> None:
    with Shelf(tmp_path) as shelf:
        shelf.add("a.png", png(1), {"seed": 1})
        shelf.add("a.png", png(3), {"seed": 3})
        shelf.add("b.png", png(2), {"seed": 2})
    (tmp_path / "b.png").unlink()
    assert [(line["file"], line["seed"]) for line in pictures.lines(tmp_path)] == [("a.png", 3)]


def test_what_somebody_else_wrote_stays(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(9))
    with Shelf(tmp_path) as shelf, pytest.raises(NotOurs):
        shelf.add("a.png", png(1), {})
    assert (tmp_path / "a.png").read_bytes() == png(9)
    (tmp_path / "pictures.jsonl").write_text("my notes\n")
    with pytest.raises(NotOurs):
        Shelf(tmp_path)


def test_clearing_a_folder_takes_nothing_from_where_a_link_in_it_leads(tmp_path: Path) -> None:
    mine, elsewhere = tmp_path / "mine", tmp_path / "elsewhere"
    mine.mkdir()
    elsewhere.mkdir()
    (mine / "sub").symlink_to(elsewhere)
    for path in (mine / "a.png", elsewhere / "b.png"):
        path.write_bytes(b"a picture")
    sidecar = "".join(json.dumps({"file": name}) + "\n" for name in ("a.png", "sub/b.png"))
    (mine / pictures.SIDECAR).write_text(sidecar)
    clear_folder(mine)
    assert (elsewhere / "b.png").is_file()
    assert sorted(path.name for path in mine.iterdir()) == ["sub"]


def test_a_picture_on_its_own_speaks_for_itself(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(1, {"synthetic": True, "seed": 5}))
    (tmp_path / "b.png").write_bytes(png(1))
    assert pictures.inside(tmp_path / "a.png") == {"synthetic": True, "seed": 5}
    assert pictures.inside(tmp_path / "b.png") is None


@pytest.mark.parametrize("words", ["[1]", "{", "7", "[" * 100_000])
def test_other_words_under_our_name_are_nothing_and_the_file_stays(words: str, tmp_path: Path) -> None:
    theirs = PngInfo()
    theirs.add_text(sheets.KEY, words)
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png", pnginfo=theirs)
    before = (tmp_path / "a.png").read_bytes()
    assert pictures.inside(tmp_path / "a.png") is None
    with Shelf(tmp_path) as shelf, pytest.raises(NotOurs):
        shelf.add("a.png", png(1), {})
    assert (tmp_path / "a.png").read_bytes() == before


def test_pictures_of_other_sizes_are_brought_to_one(tmp_path: Path) -> None:
    with Shelf(tmp_path) as shelf:
        shelf.add("a.png", png(1), {})
        shelf.add("b.png", png(200, side=32), {})
    pixels, _ = pictures.read(tmp_path, side=16)
    assert pixels.shape == (2, 16, 16, 3)
    assert pixels[1].min() == pixels[1].max() == 200
