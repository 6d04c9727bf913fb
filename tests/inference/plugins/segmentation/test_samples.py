"""Drawn samples are the same whoever draws them, and an interrupted drawing goes on."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inference.plugins.segmentation.samples import Column, Series, draw_all, sha256_of

pytestmark = pytest.mark.database_free
COLUMNS = (Column("image", (4, 4), "uint8"), Column("flag", (), "bool"))


def one(marks: Path, index: int) -> Mapping[str, Any]:
    """A sample that leaves a trace of having been drawn."""
    with (marks / f"{index}").open("a") as file:
        file.write("x")
    return {"image": np.full((4, 4), index % 251, dtype=np.uint8), "flag": index % 2 == 0}


def test_samples_are_drawn_once_and_come_back(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    series = Series(tmp_path / "samples", 60, COLUMNS, functools.partial(one, marks), chunk=25)
    first = draw_all(series)
    assert first["image"][:, 0, 0].tolist() == list(range(60))
    assert first["flag"][:3].tolist() == [True, False, True]
    (series.folder / "60-25-25.done").unlink()
    again = draw_all(series)
    assert sha256_of(again) == sha256_of(first)
    drawn = [len((marks / f"{n}").read_text()) for n in range(60)]
    assert drawn == [1] * 25 + [2] * 25 + [1] * 10
