"""A series is a stack only if its slices are evenly spaced, parallel and complete; pixels become mm in LPS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from inference.domain.study import InstanceHeader
from inference.plugins.segmentation.geometry import stack_faults, stack_of
from tests.inference.plugins.segmentation.stacks import headers, moved

pytestmark = pytest.mark.database_free
Headers = list[InstanceHeader]
CORONAL = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)


def first_fault(given: Headers, fewest: int = 5, largest: float = 6.0) -> str:
    found = next(stack_faults(given, fewest, largest), None)
    return found[0] % found[1] if found else ""


def test_an_even_stack_has_no_fault() -> None:
    assert first_fault(headers()) == ""


def without(number: int) -> Callable[[Headers], Headers]:
    return lambda given: given[:number] + given[number + 1 :]


def changed(number: int, **fields: object) -> Callable[[Headers], Headers]:
    return lambda given: [replace(one, **fields) if n == number else one for n, one in enumerate(given)]  # type: ignore[arg-type]


def tilted(given: Headers) -> Headers:
    return [moved(one, (0, 0.3 * n, 0)) for n, one in enumerate(given)]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (without(4), "missing: about 1, first after slice 4"),
        (lambda given: [*given, given[3]], "more than one slice at one place"),
        (changed(2, orientation=CORONAL), "different directions"),
        (changed(2, frames=4), "multi-frame"),
        (changed(2, rows=41), "rows and columns"),
        (changed(2, pixel_spacing=(1.1, 1.1)), "differ in their pixel spacing"),
        (changed(2, pixel_spacing=None), "do not give their pixel spacing"),
        (changed(2, position=None), "where they lie"),
        (lambda given: given[:4], "has 4 slices"),
        (tilted, "gantry"),
    ],
)
def test_what_is_no_stack_is_told_so(change: Callable[[Headers], Headers], words: str) -> None:
    assert words in first_fault(change(headers()))


def test_slices_that_lie_too_far_apart_are_told_so() -> None:
    assert "8.0 mm apart" in first_fault(headers(distance=8.0))


def test_the_stack_is_in_order_of_position_whatever_came_first() -> None:
    given = headers()
    assert stack_of(given[::-1]).headers == tuple(given)


def test_a_pixel_becomes_millimetres_in_lps() -> None:
    stack = stack_of(headers(pixel_spacing=(0.5, 0.8)))
    assert stack.to_mm(0, 0, 0) == (-20.0, -20.0, 0.0)
    assert stack.to_mm(10, 4, 2.5) == (-12.0, -18.0, 5.0)


def test_a_coronal_stack_becomes_millimetres_as_well() -> None:
    given = [replace(one, orientation=CORONAL, position=(0.0, 3.0 * n, 0.0)) for n, one in enumerate(headers())]
    assert stack_of(given).distance == pytest.approx(3.0)
    assert stack_of(given).to_mm(2, 5, 1) == (2.0, 3.0, -5.0)
