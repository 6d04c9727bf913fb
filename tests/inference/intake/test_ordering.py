from __future__ import annotations

import random

from inference.domain.study import InstanceHeader, Vector3, Vector6
from inference.intake.ordering import in_order

AXIAL: Vector6 = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
CORONAL: Vector6 = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)


def slice_at(
    position: Vector3 | None, *, number: int | None = None, orientation: Vector6 | None = AXIAL, name: str = ""
) -> InstanceHeader:
    return InstanceHeader(
        id=name,
        media_type="application/dicom",
        sha256="",
        rows=1,
        columns=1,
        instance_number=number,
        orientation=orientation,
        position=position,
    )


def test_slices_stand_in_order_of_their_place_whatever_their_numbers() -> None:
    slices = [slice_at((0.0, 0.0, float(z)), number=100 - z) for z in range(20)]
    random.Random(1).shuffle(slices)
    assert [one.position for one in in_order(slices)] == [(0.0, 0.0, float(z)) for z in range(20)]


def test_the_normal_is_the_row_direction_times_the_column_direction() -> None:
    front, back = (slice_at((0.0, y, 0.0), orientation=CORONAL) for y in (-10.0, 10.0))
    assert in_order([back, front]) == (front, back)


def test_without_a_place_the_instance_number_decides() -> None:
    slices = [slice_at(None, number=number) for number in (3, None, 1, 2)]
    assert [one.instance_number for one in in_order(slices)] == [1, 2, 3, None]


def test_slices_of_two_directions_are_no_stack() -> None:
    slices = [slice_at((0.0, 0.0, 5.0), number=1), slice_at((0.0, 0.0, 1.0), number=2, orientation=CORONAL)]
    assert in_order(slices) == tuple(slices)


def test_two_echoes_at_one_place_stay_in_order_of_their_number() -> None:
    slices = [slice_at((0.0, 0.0, z), number=number) for number, z in ((4, 1.0), (3, 0.0), (2, 1.0), (1, 0.0))]
    assert [one.instance_number for one in in_order(slices)] == [1, 3, 2, 4]


def test_no_instances_are_no_trouble() -> None:
    assert in_order([]) == ()
