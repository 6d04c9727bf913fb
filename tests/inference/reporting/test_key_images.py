"""Which slices are shown, and the pictures that come of real files."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom.uid import generate_uid

from inference.domain.reading import Reading
from inference.domain.report import Code, Contour, Finding, InstanceReference, Location, Size
from inference.domain.study import StudyHeader
from inference.intake import storage
from inference.intake.headers import study_header
from inference.intake.receive import receive
from inference.models import Instance, Job, Result
from inference.reading import reading_of
from inference.reporting.drawing import INK
from inference.reporting.facts import item_shots
from inference.reporting.key_images import LABEL, KeyImage, drawn, key_images, plain_shots, shots_of
from tenants.context import tenant_context
from tests.conftest import Party
from tests.inference.intake import files
from tests.inference.reporting.samples import SQUARE, finding, read, stack
from tests.inference.work import study_of, submit, work


def test_each_finding_is_shown_on_its_best_slice_and_neighbours_share_one() -> None:
    reading = Reading((read(1, finding(3)), read(2, finding(1)), read(3, finding(3))))
    shots = shots_of(stack(), reading)
    assert [(shot.instance.id, shot.number, shot.count, shot.best_for) for shot in shots] == [
        ("i3", 4, 5, (1, 3)), ("i1", 2, 5, (2,)),
    ]  # fmt: skip
    assert [mark.number for mark in shots[0].marks] == [1, 3]


def test_a_finding_that_crosses_the_slice_of_another_one_is_drawn_there_too() -> None:
    crossing = replace(finding(2), contours=(Contour("i2", 1, SQUARE), Contour("i3", 1, SQUARE)))
    first, second = shots_of(stack(), Reading((read(1, crossing), read(2, finding(3)))))
    assert [mark.number for mark in first.marks] == [1]
    assert [mark.number for mark in second.marks] == [1, 2]
    assert second.best_for == (2,)


def test_a_rejected_finding_is_not_drawn() -> None:
    reading = Reading((read(1, finding(3), status="rejected"), read(2, finding(3))))
    (shot,) = shots_of(stack(), reading)
    assert [mark.number for mark in shot.marks] == [2]


def test_a_finding_of_a_person_is_found_by_the_uid_of_its_image_and_gets_its_box() -> None:
    found = finding(1)
    place = replace(found.location, instances=(InstanceReference("1.2.1", 1, True),))
    (shot,) = shots_of(stack(), Reading((read(1, replace(found, location=place, contours=()), machine=None),)))
    assert (shot.instance.id, shot.marks[0].outlines, shot.marks[0].box) == ("i1", (), (10.0, 10.0, 31.0, 27.0))


def test_a_finding_without_an_image_has_no_picture() -> None:
    found = finding()
    assert (
        shots_of(
            stack(),
            Reading(
                (
                    read(
                        1,
                        replace(found, location=replace(found.location, instances=())),
                    ),
                )
            ),
        )
        == ()
    )
    assert shots_of(None, Reading((read(1),))) == ()


def test_frames_of_one_file_are_numbered_by_frame() -> None:
    found = finding(0)
    place = replace(found.location, instances=(InstanceReference("1.2.0", 7, True, "i0"),))
    (shot,) = shots_of(stack(1, frames=30), Reading((read(1, replace(found, location=place)),)))
    assert (shot.frame, shot.number, shot.count) == (7, 7, 30)


def test_a_few_films_without_findings_are_shown_and_a_long_series_is_not() -> None:
    assert len(plain_shots(stack(2), 4)) == 2
    assert plain_shots(stack(5), 4) == ()


def test_labelled_images_are_shown_in_the_order_of_their_labels() -> None:
    labels = tuple({"item": item, "labels": []} for item in ("i2", "i0", "gone"))
    shots = item_shots(stack(), labels)
    assert [(shot.instance.id, shot.number, shot.count) for shot in shots] == [("i2", 1, 3), ("i0", 2, 3)]


@pytest.fixture
def job(clinic: Party) -> Job:
    job = submit(clinic.tenant, study_of(clinic.tenant))
    work()
    return job


def result_of(job: Job) -> tuple[Result, Reading]:
    with tenant_context(job.tenant_id):
        result = Result.objects.select_related("job__study").get(job=job)
        return result, reading_of(result)


@pytest.mark.django_db
def test_a_key_image_of_a_stored_file_shows_its_outline_and_number(job: Job) -> None:
    (image,) = key_images(*result_of(job))
    assert (image.findings, image.frame, image.values.shape) == ((1,), 1, (240, 240, 3))
    assert (image.values == INK).all(axis=-1).any()
    with tenant_context(job.tenant_id):
        assert image.instance_id == str(Instance.objects.get().id)


@pytest.mark.django_db
def test_the_label_is_burned_in_below_the_picture(job: Job) -> None:
    (image,) = key_images(*result_of(job))
    labelled = np.asarray(Image.open(io.BytesIO(image.labelled_png)))
    assert np.array_equal(labelled, image.labelled)
    assert np.array_equal(labelled[:240], image.values)
    assert labelled.shape[0] > 240
    assert (labelled[240:] == 255).any()
    assert LABEL == "AI result, not for diagnostic use"


@pytest.mark.django_db
def test_key_images_are_the_same_bytes_each_time(job: Job) -> None:
    def packed() -> tuple[bytes, bytes]:
        (image,) = key_images(*result_of(job))
        return image.png, image.labelled_png

    assert packed() == packed()


@pytest.mark.django_db
def test_a_file_that_is_gone_costs_its_picture_and_nothing_else(job: Job) -> None:
    found = result_of(job)
    assert len(key_images(*found)) == 1
    with tenant_context(job.tenant_id):
        storage.delete(job.tenant_id, Instance.objects.get().sha256)
    assert key_images(*found) == []


@pytest.mark.django_db
def test_a_deleted_study_has_no_key_images(job: Job) -> None:
    result, reading = result_of(job)
    result.job.study = None
    assert key_images(result, reading) == []


@pytest.mark.django_db
def test_the_file_is_decoded_in_a_child(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    def decode(*_: object, **__: object) -> None:
        raise AssertionError("the web process decodes a customer's file")

    monkeypatch.setattr(Image, "open", decode)
    assert len(key_images(*result_of(job))) == 1


@pytest.mark.django_db
def test_a_radiograph_keeps_its_window_and_tells_that_its_scale_is_the_detector_s(clinic: Party) -> None:
    film = slice_of(clinic, PixelSpacing=None, ImagerPixelSpacing=[0.5, 0.5], WindowCenter=0, WindowWidth=2000)
    body = slice_of(clinic, PixelSpacing=[0.5, 0.5], WindowCenter=0, WindowWidth=2000)
    assert film.window == body.window == (0.0, 2000.0)
    assert not np.array_equal(film.values, body.values), "the bar of the film names the detector"


@pytest.mark.django_db
def test_without_a_spacing_there_is_no_bar(clinic: Party) -> None:
    bare, scaled = slice_of(clinic), slice_of(clinic, PixelSpacing=[0.5, 0.5])
    corner = (slice(-80, None), slice(-300, None))
    assert (bare.values[corner] == 255).all(axis=-1).sum() == 0
    assert (scaled.values[corner] == 255).all(axis=-1).sum() > 50


def slice_of(clinic: Party, **attributes: Any) -> KeyImage:
    """A key image of one dark CT slice of 64 x 64 pixels with these attributes."""
    pixels = np.full((64, 64), 100, np.int16)
    pixels[:8] = 900
    values: dict[str, Any] = {
        "Rows": 64,
        "Columns": 64,
        "PixelData": pixels.tobytes(),
        "StudyInstanceUID": generate_uid(),
    }
    content = files.dicom(**{**values, **attributes})
    study = receive(clinic.tenant, [("a.dcm", io.BytesIO(content))]).study
    with tenant_context(clinic.tenant.id):
        header = study_header(study)
    (image,) = drawn(clinic.tenant.id, shots_of(header, Reading((read(1, on_first(header)),))))
    return image


def on_first(header: StudyHeader) -> Finding:
    """A finding in the middle of the first image, with a box and no outline."""
    shown = InstanceReference(header.instances[0].sop_instance_uid, 1, True, header.instances[0].id)
    place = Location(None, (32.0, 32.0), (28.0, 28.0, 36.0, 36.0), instances=(shown,))
    return Finding("2.25.9", Code("27925004", "SCT", "Nodule", "nodule"), 0.9, place, Size(8.0, 8.0))
