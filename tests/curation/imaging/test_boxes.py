"""The choice of the square: subjects stay whole, the picture's own pixels come first, losses are told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.imaging.boxes import MARGIN, SPARED, Box, centre_box, choose, lost, subject_box
from curation.settings import CurateSettings

AROUND = CurateSettings(size=100, crop="subject")


@pytest.mark.parametrize(
    ("size", "box"),
    [((10, 10), (0, 0, 10, 10)), ((11, 4), (3, 0, 7, 4)), ((4, 11), (0, 3, 4, 7)), ((1, 1), (0, 0, 1, 1))],
)
def test_the_box_is_the_largest_centred_square(size: tuple[int, int], box: Box) -> None:
    assert centre_box(*size) == box


def test_without_a_subject_the_square_is_centred_and_says_so() -> None:
    choice = choose(300, 200, None, AROUND)
    assert (choice.box, choice.crop, choice.lost) == ((50, 0, 250, 200), "centre", {})
    choice = choose(300, 200, (10, 10, 110, 110), CurateSettings(size=100))
    assert (choice.box, choice.crop, choice.lost) == ((50, 0, 250, 200), "centre", {})


def test_a_subject_is_centred_with_its_margin() -> None:
    choice = choose(1000, 800, (600, 300, 800, 460), AROUND)
    assert choice.box == (575, 255, 825, 505)
    assert (choice.crop, choice.lost) == ("subject", {"centre": 0.0, "subject": 0.0})


def test_what_each_way_to_crop_loses_is_told() -> None:
    choice = choose(1000, 400, (100, 100, 300, 300), AROUND)
    assert choice.lost == {"centre": 1.0, "subject": 0.0}
    assert lost((0, 0, 100, 100), (50, 0, 150, 100), (200, 100)) == 0.5
    assert lost((0, 0, 100, 100), (0, 0, 100, 100), (200, 100)) == 0.0


def test_a_small_subject_is_not_enlarged() -> None:
    left, top, right, bottom = subject_box(1000, 800, (500, 400, 540, 440), 256)
    assert (right - left, bottom - top) == (256, 256)
    assert subject_box(200, 180, (80, 80, 100, 100), 256)[2:] != (0, 0)
    left, _, right, _ = subject_box(200, 180, (80, 80, 100, 100), 256)
    assert right - left == 180  # the recipe allowed a smaller picture; no sky is added to make it count


def test_sky_is_added_where_the_picture_is_too_small() -> None:
    box = subject_box(500, 200, (100, 60, 400, 140), 64)
    assert box == (62, -88, 437, 287)


def test_a_little_of_the_margin_goes_before_sky_is_added() -> None:
    assert subject_box(1000, 400, (300, 30, 640, 370), 64) == (270, 0, 670, 400)
    left, top, right, bottom = subject_box(1000, 1000, (10, 300, 330, 620), 64)
    assert (left, right - left) == (-10, bottom - top) == (-10, 400)
    assert top == 260


@pytest.mark.parametrize(
    ("subject", "box"),
    [
        ((0, 300, 200, 500), (0, 275, 250, 525)),
        ((800, 300, 1000, 500), (750, 275, 1000, 525)),
        ((300, 0, 500, 200), (275, 0, 525, 250)),
        ((300, 600, 500, 800), (275, 550, 525, 800)),
        ((0, 0, 200, 200), (0, 0, 250, 250)),
        ((300, 0, 1100 - 100, 800), (200, 0, 1000, 800)),
    ],
)
def test_no_sky_is_added_where_the_pictures_edge_cuts_the_body(subject: Box, box: Box) -> None:
    assert subject_box(1000, 800, subject, 100) == box


SIDES = st.integers(64, 3000)


@given(width=SIDES, height=SIDES, data=st.data(), size=st.sampled_from([64, 256, 512, 1024]))
def test_a_whole_body_is_never_cut_and_never_touches_the_square(
    width: int, height: int, data: st.DataObject, size: int
) -> None:
    left = data.draw(st.integers(1, width - 10))
    top = data.draw(st.integers(1, height - 10))
    right, bottom = data.draw(st.integers(left + 8, width - 1)), data.draw(st.integers(top + 8, height - 1))
    subject = (left, top, right, bottom)
    box = subject_box(width, height, subject, size)
    side, longest = box[2] - box[0], max(right - left, bottom - top)
    assert side == box[3] - box[1]
    assert side >= min(size, width, height)
    least = longest * (MARGIN - SPARED) - 2
    assert min(left - box[0], top - box[1], box[2] - right, box[3] - bottom) >= least
    assert lost(subject, box, (width, height)) == 0
    middles = ((left + right) / 2, (top + bottom) / 2)
    for axis, length in enumerate((width, height)):
        assert abs((box[axis] + box[axis + 2]) / 2 - middles[axis]) <= side * SPARED + 1
        if box[axis] < 0 and side <= length:  # sky is added only where sliding is not enough
            slide = min(side * SPARED, side / 2 - longest * (0.5 + MARGIN - SPARED))
            assert middles[axis] < side / 2 - slide + 2


@given(width=SIDES, height=SIDES, data=st.data())
def test_a_cut_body_loses_nothing_more_unless_it_is_larger_than_the_picture(
    width: int, height: int, data: st.DataObject
) -> None:
    side = min(width, height)
    right, bottom = data.draw(st.integers(8, max(8, side // 2))), data.draw(st.integers(8, max(8, side // 2)))
    subject = (0, height - bottom, right, height)
    box = subject_box(width, height, subject, 64)
    assert (box[0], box[3]) == (0, height)
    assert lost(subject, box, (width, height)) == 0
