from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from inference.domain.errors import UnreadableFile
from inference.intake.local import local_study
from inference.intake.outcome import NothingTaken
from inference.intake.pool import Pool
from tests.inference.intake import files
from tests.inference.intake.conftest import large


def named(*contents: bytes) -> list[tuple[str, io.BytesIO]]:
    return [(str(number), io.BytesIO(content)) for number, content in enumerate(contents)]


def test_files_become_a_study_whose_pixels_can_be_read(pool: Pool, tmp_path: Path) -> None:
    stack = [files.dicom(ImageOrientationPatient=[1, 0, 0, 0, 1, 0], ImagePositionPatient=[0, 0, z]) for z in (9, 4)]
    with local_study(pool, named(*stack, b"text"), tmp_path) as study:
        assert [one.position for one in study.header.instances] == [(0.0, 0.0, 4.0), (0.0, 0.0, 9.0)]
        assert (study.header.modality, study.header.body_part, study.header.kind) == ("CT", "CHEST", "dicom")
        assert [outcome.code for outcome in study.files] == ["", "", "unreadable_file"]
        assert np.array_equal(study.pixels(study.header.instances[0]), np.arange(20).reshape(4, 5) * 2 - 1024)
    assert list(tmp_path.iterdir()) == []


def test_a_real_film_and_a_picture_can_be_read(pool: Pool) -> None:
    for content, shape in ((large("RG1_UNCR.dcm").read_bytes(), (1955, 1841)), (files.picture(), (5, 7))):
        with local_study(pool, named(content)) as study:
            assert study.pixels(study.header.instances[0]).shape == shape


def test_no_good_file_is_no_study(pool: Pool, tmp_path: Path) -> None:
    with pytest.raises(NothingTaken) as caught, local_study(pool, named(b"text", b""), tmp_path):
        pass
    assert [outcome.code for outcome in caught.value.files] == ["unreadable_file", "empty_file"]
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_changes_under_way_is_unreadable(pool: Pool, tmp_path: Path) -> None:
    with local_study(pool, named(files.dicom()), tmp_path) as study:
        next(path for path in tmp_path.rglob("*") if path.is_file()).write_bytes(b"something else")
        with pytest.raises(UnreadableFile):
            study.pixels(study.header.instances[0])
