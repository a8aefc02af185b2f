"""The ranking of generated pictures, on features made so that the right answer is known."""

import numpy as np
import pytest

from universe_gan.measuring.metrics import Matrix, TooFew
from universe_gan.selecting.select import (
    Refusal,
    accepted,
    by_held_out,
    by_training,
    farthest_first,
    rank,
    realism,
)

WIDE = 8
"""Dimensions of the features."""


def reals(count: int, seed: int = 0) -> Matrix:
    return np.random.default_rng(seed).standard_normal((count, WIDE))


TRAIN, HELD_OUT, FRESH = reals(300, 1), reals(60, 2), reals(40, 3)
USUAL = by_held_out([HELD_OUT], TRAIN)


def test_copies_of_training_pictures_are_refused_and_fresh_ones_are_not() -> None:
    copies = TRAIN[:5] + 1e-3
    found = rank([np.concatenate([FRESH, copies])], TRAIN, USUAL)
    refused = {one.number: one for one in found if one.refused is Refusal.COPY}
    assert set(range(40, 45)) <= set(refused)
    assert len(refused) <= 5 + 4  # few real pictures lie as near, and one in a hundred is meant to
    for number in range(40, 45):
        assert refused[number].nearest == number - 40
        assert refused[number].novelty < 0.05
    assert [one.rank for one in found] == list(range(1, 46))
    assert {one.number for one in found[-5:]} <= set(refused)


def test_copies_are_found_without_held_out_pictures_too() -> None:
    found = rank([np.concatenate([FRESH, TRAIN[:1]])], TRAIN, by_training([TRAIN]))
    assert next(one for one in found if one.number == 40).refused is Refusal.COPY
    assert sum(one.refused is None for one in found) >= 36


def test_a_turned_copy_is_a_copy_and_a_turned_near_duplicate_goes() -> None:
    back = np.eye(WIDE)[::-1]  # stands for turning a picture: features of the turned one
    made = np.concatenate([FRESH, TRAIN[:1] @ back, FRESH[:1] @ back + 1e-3])
    found = {one.number: one for one in rank([made, made @ back], TRAIN, USUAL)}
    assert (found[40].refused, found[40].nearest) == (Refusal.COPY, 0)
    assert {found[0].refused, found[41].refused} == {None, Refusal.DUPLICATE}
    unturned = {one.number: one for one in rank([made], TRAIN, USUAL)}
    assert unturned[40].refused is None


def test_what_is_known_as_a_copy_otherwise_is_refused_however_far_its_features_are() -> None:
    found = {one.number: one for one in rank([FRESH], TRAIN, USUAL, copied={3: 77})}
    assert (found[3].refused, found[3].nearest) == (Refusal.COPY, 77)
    assert found[3].novelty > 1


def test_what_a_generator_learned_from_generated_pictures_can_be_copied_but_does_not_say_what_is_real() -> (
    None
):
    earlier = np.full((5, WIDE), 9.0) + reals(5, 8)
    train = np.concatenate([TRAIN, earlier])
    made = np.concatenate([earlier[:1], np.full((1, WIDE), 9.2)])
    copy, odd = sorted(rank([made], train, USUAL, reals=len(TRAIN)), key=lambda one: one.number)
    assert copy.refused is Refusal.COPY
    assert copy.nearest == len(TRAIN)
    assert not odd.plausible


def test_a_collapsed_cluster_gives_one_pick() -> None:
    cluster = FRESH[:1] + 1e-2 * reals(10, 5)
    found = rank([np.concatenate([FRESH[1:], cluster])], TRAIN, USUAL)
    inside = [one for one in found if one.number >= 39]
    kept = [one for one in inside if one.refused is None]
    assert len(kept) == 1
    for one in inside:
        if one is not kept[0]:
            assert one.refused is Refusal.DUPLICATE
            assert one.same_as == kept[0].number
            assert one.quality <= kept[0].quality


def test_far_garbage_comes_last_though_nothing_is_more_unlike_the_rest() -> None:
    garbage = 30 + 20 * reals(6, 6)
    found = [one for one in rank([np.concatenate([garbage, FRESH])], TRAIN, USUAL) if one.refused is None]
    assert {one.number for one in found[-6:]} == set(range(6))
    assert not any(one.plausible for one in found[-6:])
    assert found[0].diversity is None
    qualities = [one.quality for one in found if not one.plausible]
    assert qualities == sorted(qualities, reverse=True)


def test_the_order_of_the_plausible_covers_them_for_every_number_kept() -> None:
    found = [one for one in rank([FRESH], TRAIN, USUAL) if one.refused is None and one.plausible]
    apart = [one.diversity for one in found[1:] if one.diversity is not None]
    assert len(apart) == len(found) - 1
    assert apart == sorted(apart, reverse=True)  # of greedy k-centre the radii only fall


def test_greedy_centres_are_at_most_twice_as_far_as_the_best_ones() -> None:
    corners = np.array([[0.0, 0], [10, 0], [0, 10], [10, 10]])
    points = np.concatenate([corners + 0.1 * step for step in range(5)])
    order = list(farthest_first(points))
    assert sorted(order) == list(range(20))
    assert {number % 4 for number in order[:4]} == {0, 1, 2, 3}
    assert list(farthest_first(np.zeros((0, 2)))) == []


def test_realism_is_one_at_the_edge_of_a_real_neighbourhood_and_falls_beyond() -> None:
    line = np.arange(12, dtype=np.float64)[:, None]  # inner points reach their third neighbour at 2
    found = realism(np.array([[5.5], [20.0], [110.0]]), line)
    assert found[0] == pytest.approx(4)
    assert found[1] < 0.3
    assert found[2] < 0.03


def test_too_few_real_pictures_say_nothing() -> None:
    with pytest.raises(TooFew):
        by_held_out([HELD_OUT], reals(9))
    with pytest.raises(TooFew):
        by_held_out([reals(9)], TRAIN)
    with pytest.raises(TooFew):
        by_training([reals(9)])


def test_what_a_person_decided_goes_before_the_ranking_but_lets_no_copy_in() -> None:
    found = rank([np.concatenate([FRESH, TRAIN[:1]])], TRAIN, USUAL)
    free = [one.number for one in found if one.refused is None]
    best = [one.number for one, _ in accepted(found, 3, {}, by_hand=False)]
    assert best == free[:3]
    decided = {free[0]: False, free[9]: True, 40: True}
    chosen = accepted(found, 3, decided, by_hand=False)
    assert [(one.number, said) for one, said in chosen] == [
        (free[1], False),
        (free[2], False),
        (free[9], True),
    ]
    assert [one.number for one, _ in accepted(found, 3, decided, by_hand=True)] == [free[9]]
