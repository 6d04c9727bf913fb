"""The same lesion is found again, whatever the patient's position, and nothing is found twice."""

from __future__ import annotations

import math
from dataclasses import replace
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from inference.domain.matching_priors import IN_PATIENT, ON_FILM, Pair, Spot, Tolerance, match, shift_of
from tests.billing.properties import refuted

pytestmark = pytest.mark.database_free
FAR = 2 * IN_PATIENT.farthest + 2

# whole numbers: sums and differences of places are exact
places = st.tuples(*[st.integers(-200, 200).map(float)] * 3)
sides = st.sampled_from(["R", "L", ""])
spots = st.builds(lambda place, extent, side: Spot(0, place, extent, side), places, st.integers(0, 30), sides)


def numbered(made: list[Spot]) -> list[Spot]:
    return [replace(spot, number=number) for number, spot in enumerate(made, 1)]


lists = st.lists(spots, max_size=7, unique_by=lambda spot: spot.place).map(numbered)
# apart by more than twice the greatest shift: the nearest one stays the nearest
apart = st.lists(st.tuples(*[st.integers(-3, 3)] * 3), min_size=3, max_size=7, unique=True).map(
    lambda cells: [Spot(n, tuple(FAR * c for c in cell), 6.0, "R") for n, cell in enumerate(cells, 1)]
)
# at most 39.8 mm long
shifts = st.tuples(*[st.integers(-23, 23).map(float)] * 3)


def numbers(pairs: tuple[Pair, ...]) -> set[tuple[int, int]]:
    return {(pair.now.number, pair.before.number) for pair in pairs}


def moved(made: list[Spot], shift: tuple[float, ...]) -> list[Spot]:
    return [replace(spot, place=tuple(a + b for a, b in zip(spot.place, shift, strict=True))) for spot in made]


@given(lists, lists)
def test_no_finding_is_matched_twice(now: list[Spot], before: list[Spot]) -> None:
    found = match(now, before, IN_PATIENT)
    assert len({pair.now.number for pair in found}) == len({pair.before.number for pair in found}) == len(found)


@given(lists, lists)
def test_the_two_studies_can_be_exchanged(now: list[Spot], before: list[Spot]) -> None:
    assert numbers(match(now, before, IN_PATIENT)) == {(b, a) for a, b in numbers(match(before, now, IN_PATIENT))}


@given(lists, lists, st.randoms())
def test_the_order_of_the_findings_does_not_matter(now: list[Spot], before: list[Spot], random: Random) -> None:
    mixed_now, mixed_before = list(now), list(before)
    random.shuffle(mixed_now)
    random.shuffle(mixed_before)
    assert match(mixed_now, mixed_before, IN_PATIENT) == match(now, before, IN_PATIENT)


@given(apart, shifts)
def test_a_patient_who_lies_elsewhere_has_the_same_lesions(before: list[Spot], shift: tuple[float, ...]) -> None:
    now = moved(before, shift)
    assert shift_of(now, before, IN_PATIENT) == shift
    assert numbers(match(now, before, IN_PATIENT)) == {(spot.number, spot.number) for spot in before}


def test_without_the_shift_that_would_fail() -> None:
    def unshifted(before: list[Spot], shift: tuple[float, ...]) -> None:
        still = Tolerance(IN_PATIENT.gate, 0.0)
        assert len(match(moved(before, shift), before, still)) == len(before)

    assert refuted(unshifted, apart, shifts)


@given(apart, shifts, st.integers(0, 6))
def test_one_that_is_gone_does_not_spoil_the_others(before: list[Spot], shift: tuple[float, ...], place: int) -> None:
    assume(len(before) > 3)
    now = [spot for spot in moved(before, shift) if spot.number != 1 + place % len(before)]
    assert numbers(match(now, before, IN_PATIENT)) == {(spot.number, spot.number) for spot in now}


@given(lists, lists)
def test_what_is_matched_lies_within_the_gate_and_on_one_side(now: list[Spot], before: list[Spot]) -> None:
    for pair in match(now, before, IN_PATIENT):
        assert pair.apart <= IN_PATIENT.gate + max(pair.now.extent, pair.before.extent) / 2
        assert {pair.now.side, pair.before.side} != {"R", "L"}


@given(lists, lists)
def test_the_shift_is_never_longer_than_allowed(now: list[Spot], before: list[Spot]) -> None:
    shift = shift_of(now, before, IN_PATIENT)
    assert shift is None or math.hypot(*shift) <= IN_PATIENT.farthest + 1e-9


def test_pairs_that_tell_of_unlike_shifts_are_not_believed() -> None:
    before = [Spot(n, (FAR * n, 0.0, 0.0), 6.0) for n in range(1, 4)]
    steps = [(30.0, 0.0, 0.0), (0.0, 30.0, 0.0), (0.0, 0.0, 30.0)]
    now = [moved([spot], step)[0] for spot, step in zip(before, steps, strict=True)]
    assert shift_of(now, before, IN_PATIENT) is None
    assert match(now, before, IN_PATIENT) == ()


def test_one_lesion_here_and_another_there_are_not_made_one_by_a_shift() -> None:
    assert match([Spot(1, (0, 0, 0), 6.0)], [Spot(1, (0, 0, 30.0), 6.0)], IN_PATIENT) == ()


def test_a_left_lesion_is_never_a_right_one() -> None:
    assert match([Spot(1, (0, 0, 0), 6.0, "R")], [Spot(1, (1, 0, 0), 6.0, "L")], IN_PATIENT) == ()
    assert len(match([Spot(1, (0, 0, 0), 6.0, "R")], [Spot(1, (1, 0, 0), 6.0, "")], IN_PATIENT)) == 1


@pytest.mark.parametrize(("extent", "matches"), [(6.0, 0), (10.0, 1)])
def test_a_large_lesion_may_have_moved_farther(extent: float, matches: int) -> None:
    assert len(match([Spot(1, (0, 0, 0), extent)], [Spot(1, (16.0, 0, 0), extent)], IN_PATIENT)) == matches


def test_the_nearest_pair_is_taken_first() -> None:
    now = [Spot(1, (0, 0, 0), 6.0), Spot(2, (8, 0, 0), 6.0)]
    assert numbers(match(now, [Spot(1, (6, 0, 0), 6.0)], IN_PATIENT)) == {(2, 1)}


def test_films_are_matched_by_shares_of_the_image() -> None:
    now, before = [Spot(1, (0.3, 0.4), 0.02, "R")], [Spot(1, (0.36, 0.44), 0.02, "R")]
    assert len(match(now, before, ON_FILM)) == 1
    assert match(now, [Spot(1, (0.5, 0.4), 0.02, "R")], ON_FILM) == ()


def test_nothing_beside_nothing_is_nothing() -> None:
    assert match([], [], IN_PATIENT) == match([Spot(1, (0, 0, 0))], [], IN_PATIENT) == ()
