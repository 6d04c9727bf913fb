"""Growth, doubling time and what became of each lesion."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.domain.advice import DIAMETER, VOLUME, Change, Course, within_error
from inference.domain.comparing import change, changes, doubling_days, spots_in_patient
from inference.domain.matching_priors import Pair, Spot
from tests.inference.domain.readings import found, size

pytestmark = pytest.mark.database_free
measures = st.sampled_from([VOLUME, DIAMETER])
sizes = st.floats(1, 10_000)


def grew(before: float, now: float, days: int | None = 100) -> Change:
    return change(found(1, measured=size(7.0, now)), found(1, measured=size(7.0, before)), days)


@pytest.mark.parametrize(
    ("before", "now", "course"),
    [
        (100.0, 100.0, "unchanged"), (100.0, 125.0, "unchanged"), (100.0, 125.1, "grown"), (125.0, 100.0, "unchanged"),
        (125.1, 100.0, "shrunk"), (100.0, 200.0, "grown"),
    ],
)  # fmt: skip
def test_a_quarter_of_the_volume_is_the_error_of_measurement(before: float, now: float, course: Course) -> None:
    assert grew(before, now).course == course


@pytest.mark.parametrize(
    ("before", "now", "course"), [(6.0, 7.5, "unchanged"), (6.0, 7.6, "grown"), (7.6, 6.0, "shrunk")]
)
def test_without_volumes_it_is_a_millimetre_and_a_half(before: float, now: float, course: Course) -> None:
    told = change(found(measured=size(now)), found(measured=size(before)), 30)
    assert (told.measure, told.course) == (DIAMETER, course)


def test_growth_is_told_in_percent_of_what_it_was() -> None:
    told = grew(100.0, 250.0)
    assert (told.measure, told.value_before, told.value_now, told.growth_percent) == (VOLUME, 100.0, 250.0, 150.0)


def test_a_doubled_volume_has_doubled_in_the_days_between() -> None:
    assert grew(100.0, 200.0, 90).doubling_days == 90.0
    assert grew(100.0, 400.0, 90).doubling_days == 45.0
    assert doubling_days(DIAMETER, 8.0, 4.0, 90) == 30.0


def test_no_doubling_time_without_growth_or_days() -> None:
    assert [grew(100.0, now).doubling_days for now in (50.0, 100.0, 120.0)] == [None, None, None]
    assert [grew(100.0, 200.0, days).doubling_days for days in (None, 0, -3)] == [None, None, None]


def test_millimetres_of_two_kinds_are_not_compared() -> None:
    told = change(found(measured=size(12.0)), found(measured=size(8.0, source="ImagerPixelSpacing")), 30)
    assert (told.course, told.growth_percent) == ("not_measured", None)
    assert change(found(measured=size(source="none")), found(measured=size(source="none")), 30).course == "not_measured"


def test_what_is_new_and_what_is_gone_is_told() -> None:
    now, before = [found(1), found(2)], [found(1), found(2), found(3)]
    pair = Pair(Spot(2, (0, 0, 0)), Spot(3, (0, 0, 0)), 0.0)
    told = changes(now, before, [pair], 30)
    assert [(one.now, one.before, one.course) for one in told] == [
        (1, None, "new"), (2, 3, "unchanged"), (None, 1, "gone"), (None, 2, "gone"),
    ]  # fmt: skip


@given(measures, sizes, sizes)
def test_the_error_of_measurement_knows_no_order_of_time(measure: str, one: float, other: float) -> None:
    assert within_error(measure, one, other) == within_error(measure, other, one)


@given(measures, sizes, st.floats(1.01, 50), st.integers(1, 4000))
def test_growth_at_the_doubling_time_gives_the_size_again(measure: str, before: float, times: float, days: int) -> None:
    doubling = doubling_days(measure, before * times, before, days)
    assert doubling is not None
    if doubling > 10:
        power = 1 if measure == VOLUME else 3
        assert 2 ** (days / doubling) == pytest.approx(times**power, rel=0.05 * power * max(1.0, days / doubling))


def test_a_finding_without_a_place_has_no_spot() -> None:
    assert [spot.number for spot in spots_in_patient([found(1), found(2, at=None)])] == [1]


def test_a_spot_has_side_and_extent() -> None:
    (spot,) = spots_in_patient([replace(found(4, side="L", at=(1.0, 2.0, 3.0), measured=size(9.0)))])
    assert spot == Spot(4, (1.0, 2.0, 3.0), 9.0, "L")
