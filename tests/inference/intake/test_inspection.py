from __future__ import annotations

from typing import Any

import pytest

from inference.domain.errors import UnreadableFile
from inference.intake.inspection import checked, instance_header

HEADER: dict[str, Any] = {"media_type": "application/dicom", "rows": 2, "columns": 3, "sop_instance_uid": "1.2.3"}
GOOD: dict[str, Any] = {"kind": "dicom", "study_uid": "1.2", "series_uid": "1.3", "header": HEADER}


def test_a_reply_of_our_making_is_taken() -> None:
    found = checked(GOOD)
    assert (found.kind, found.study_uid, found.series_uid, dict(found.header)) == ("dicom", "1.2", "1.3", HEADER)


@pytest.mark.parametrize(
    "change",
    [
        {"header": None},
        {"header": {**HEADER, "rows": -1}},
        {"header": {**HEADER, "columns": "many"}},
        {"header": {**HEADER, "id": "of its choice"}},
        {"header": {**HEADER, "sha256": "of its choice"}},
        {"header": {**HEADER, "patient": "Canary"}},
        {"header": {**HEADER, "sop_instance_uid": None}},
        {"study_uid": "../../etc"},
        {"series_uid": 7},
    ],
)
def test_a_child_that_was_taken_over_writes_no_rows_of_its_choice(change: dict[str, Any]) -> None:
    with pytest.raises(UnreadableFile):
        checked({**GOOD, **change})


def test_the_domain_s_header_has_tuples_where_json_has_lists() -> None:
    header = instance_header("one", "0" * 64, {**HEADER, "position": [1.0, 2.0, 3.0], "image_type": ["ORIGINAL"]})
    assert (header.position, header.image_type, header.pixel_spacing) == ((1.0, 2.0, 3.0), ("ORIGINAL",), None)
    assert hash(header)
