"""The contact sheet: the same pictures in the same places, and most of them stay when the set grows."""

from io import BytesIO

from builders import a_nebula, encoded
from PIL import Image

from curation.dataset.contact_sheet import ACROSS, MOST, SIDE, choose, contact_sheet

UIDS = [f"commons:M{number}" for number in range(200)]


def test_the_choice_is_sorted_and_does_not_depend_on_the_order() -> None:
    chosen = choose(UIDS)
    assert chosen == choose(reversed(UIDS)) == tuple(sorted(chosen))
    assert len(chosen) == MOST
    assert choose(UIDS[:3]) == tuple(UIDS[:3])


def test_a_picture_that_goes_makes_room_for_one_other() -> None:
    gone = choose(UIDS)[4]
    after = choose(uid for uid in UIDS if uid != gone)
    assert len(set(choose(UIDS)) & set(after)) == MOST - 1
    assert choose([*UIDS, "nasa:PIA1"])[:1] in (choose(UIDS)[:1], ("nasa:PIA1",))


def test_pictures_stand_in_rows_from_left_to_right() -> None:
    colours = [(200, 20, 20), (20, 200, 20), (20, 20, 200), (200, 200, 20), (20, 200, 200), (200, 20, 200)]
    squares = [encoded(Image.new("RGB", (32, 32), colour)) for colour in [*colours, (90, 90, 90)]]
    sheet = Image.open(BytesIO(contact_sheet(squares)))
    assert (sheet.format, sheet.size) == ("WEBP", (ACROSS * SIDE, 2 * SIDE))
    pixels = sheet.convert("RGB")
    for number, colour in enumerate(colours):
        seen = pixels.getpixel((number * SIDE + SIDE // 2, SIDE // 2))
        assert isinstance(seen, tuple)
        assert max(abs(one - other) for one, other in zip(seen, colour, strict=True)) < 12
    assert pixels.getpixel((SIDE // 2, SIDE + SIDE // 2)) != (255, 255, 255)
    assert pixels.getpixel((SIDE + SIDE // 2, SIDE + SIDE // 2)) == (255, 255, 255)


def test_the_same_squares_give_the_same_bytes_and_few_of_them_a_small_sheet() -> None:
    squares = [encoded(a_nebula(n, (48, 48)), kind) for n, kind in enumerate(("PNG", "WEBP", "JPEG"))]
    assert contact_sheet(squares) == contact_sheet(squares)
    assert Image.open(BytesIO(contact_sheet(squares))).size == (3 * SIDE, SIDE)
