"""Files of real machines: none breaks, none keeps a private attribute, each decodes and is judged as before."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pydicom.data
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from inference.deidentification.instruction import Instruction
from inference.domain.errors import UnreadableFile
from inference.domain.study import Inputs, SeriesHeader, StudyHeader
from inference.intake.inspection import Inspection, inspect_file, instance_header
from inference.intake.pixels import decode_pixels
from inference.intake.pool import Pool
from inference.plugins import registry as plugins

pytestmark = pytest.mark.database_free
# of the 146 files that come with pydicom these can be taken at all
FEWEST = 100


def real_files() -> list[Path]:
    return sorted({Path(path) for path in pydicom.data.get_testdata_files("*.dcm")})


def elements(dataset: Dataset) -> Iterator[tuple[bool, str]]:
    """Of every element, nested too: whether it is private, and its keyword."""
    for element in dataset:
        yield element.tag.is_private, element.keyword
        if element.VR == "SQ":
            for item in element.value:
                yield from elements(item)


def verdicts(found: Inspection) -> dict[str, str]:
    """What each installed plugin's gate says of the file as a study."""
    instance = instance_header("1", "0" * 64, found.header)
    series = SeriesHeader("1", "1.2", instance.modality, instance.series_description, (instance,))
    study = StudyHeader("1", "dicom", "1.2", instance.modality, instance.body_part, (series,))
    return {slug: type(one.validate(Inputs(study=study))).__name__ for slug, one in plugins.installed().items()}


@pytest.mark.filterwarnings("ignore")
def test_files_of_real_machines_go_through_the_profile(pool: Pool, pseudonymise: Instruction) -> None:
    taken = 0
    for path in real_files():
        try:
            before = inspect_file(pool, path)
        except UnreadableFile:
            continue
        out = bytearray()
        after = inspect_file(pool, path, out.extend, pseudonymise)
        stored = dcmread(io.BytesIO(bytes(out)))
        assert not [path.name for is_private, _ in elements(stored) if is_private]
        assert not {"PatientAddress", "InstitutionAddress", "OtherPatientIDs"} & {name for _, name in elements(stored)}
        assert str(stored.PatientName).startswith("ANON-"), path.name
        assert (decode_pixels(pool, bytes(out)) == decode_pixels(pool, path)).all(), path.name
        assert verdicts(after) == verdicts(before), path.name
        taken += 1
    assert taken >= FEWEST
