"""Outputs are made once, kept, and refused with a reason."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.db.models.signals import pre_save
from pydicom import dcmread

from inference import reading as readings
from inference import studies
from inference.domain.errors import UserError
from inference.domain.reading import Reading
from inference.intake import storage
from inference.models import Artifact, Instance, Job, Result
from inference.outputs import store
from inference.outputs.errors import NeedsDicom, NeedsFindings, NeedsOutlines, NotBuilt, OriginalsGone
from inference.outputs.kinds import KINDS, Kind
from tenants.context import tenant_context
from tests.billing.race import failures, race
from tests.conftest import Party, make_party
from tests.inference.outputs import examples
from tests.inference.outputs.tools import dciodvfy_errors
from tests.inference.outputs.work import result_of
from tests.inference.work import echo_installed, picture, subscribe

DICOM_KINDS = [name for name, kind in KINDS.items() if kind.needs_dicom]


@pytest.fixture
def film(clinic: Party) -> Result:
    return result_of(clinic.tenant, examples.EXAMPLES["drawn films"](), 1, 2)


@pytest.fixture
def pictures(clinic: Party) -> Result:
    return result_of(clinic.tenant, [picture(3).getvalue()], 1)


def bytes_of(row: Artifact) -> bytes:
    return storage.read(row.tenant_id, row.sha256)


def reread(result: Result) -> Result:
    with tenant_context(result.tenant_id):
        found: Result = Result.objects.select_related("job__study").get(pk=result.pk)
        return found


def rows_of(result: Result) -> list[Artifact]:
    with tenant_context(result.tenant_id):
        return list(Artifact.objects.filter(result=result).order_by("id"))


def sign(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on every result is signed."""
    monkeypatch.setattr(store, "reading_of", lambda result: examples.signed(readings.reading_of(result)))


@pytest.mark.parametrize("name", list(KINDS))
def test_it_is_made_once_and_kept(film: Result, name: str, tmp_path: Path) -> None:
    first = store.of(film, name)
    assert store.of(film, name) == first
    assert [row.id for row in rows_of(film)] == [first.id]
    content = bytes_of(first)
    assert len(content) == first.size_bytes
    if first.media_type == "application/dicom":
        assert dciodvfy_errors(content, tmp_path) == []
        assert dcmread(io.BytesIO(content)).StudyInstanceUID == f"{examples.ROOT}.1.1"


def test_control_what_was_not_kept_would_be_made_again(film: Result) -> None:
    first = store.of(film, "fhir")
    with tenant_context(film.tenant_id):
        Artifact.objects.filter(pk=first.pk).delete()
    assert store.of(film, "fhir").pk != first.pk


@pytest.mark.parametrize("name", list(KINDS))
def test_made_again_after_a_loss_it_is_the_same_to_the_byte(film: Result, name: str) -> None:
    first = store.of(film, name)
    with tenant_context(film.tenant_id):
        Artifact.objects.filter(pk=first.pk).delete()
    assert store.of(film, name).sha256 == first.sha256


def test_before_the_signature_it_tells_what_the_model_found_and_not_a_draft(
    film: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    def drafted(result: Result) -> Reading:
        reading = readings.reading_of(result)
        first, second = reading.findings
        added = replace(second, machine=None, status="added", id="fnd_new", number=3)
        return replace(reading, findings=(replace(first, status="rejected"), second, added))

    plain = bytes_of(store.of(film, "fhir"))
    with tenant_context(film.tenant_id):
        Artifact.objects.all().delete()
    monkeypatch.setattr(store, "reading_of", drafted)
    assert bytes_of(store.of(film, "fhir")) == plain


def test_the_signature_makes_a_new_report_that_replaces_the_old_one(
    film: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = dcmread(io.BytesIO(bytes_of(store.of(film, "dicom_sr"))))
    sign(monkeypatch)
    row = store.of(film, "dicom_sr")
    after = dcmread(io.BytesIO(bytes_of(row)))
    assert [one.revision for one in rows_of(film)] == [0, 1]
    assert (before.VerificationFlag, after.VerificationFlag) == ("UNVERIFIED", "VERIFIED")
    replaced = after.PredecessorDocumentsSequence[0].ReferencedSeriesSequence[0].ReferencedSOPSequence[0]
    assert replaced.ReferencedSOPInstanceUID == before.SOPInstanceUID


def test_a_document_is_kept_in_each_language_and_nothing_else_is(film: Result) -> None:
    for language in ("en", "zh"):
        for name in ("dicom_pdf", "dicom_sr"):
            store.of(film, name, language)
    assert [(row.kind, row.language) for row in rows_of(film)] == [
        ("dicom_pdf", "en"), ("dicom_sr", ""), ("dicom_pdf", "zh")
    ]  # fmt: skip


@pytest.mark.parametrize("name", DICOM_KINDS)
def test_pictures_have_no_dicom_but_fhir(pictures: Result, name: str) -> None:
    with pytest.raises(NeedsDicom):
        store.of(pictures, name)
    assert bytes_of(store.of(pictures, "fhir")).startswith(b"{")


def test_without_findings_there_is_a_report_and_no_segmentation(clinic: Party) -> None:
    result = result_of(clinic.tenant, examples.slices("CT"))
    assert store.of(result, "dicom_sr").size_bytes > 0
    for name in ("dicom_seg", "dicom_key_images"):
        with pytest.raises(NeedsOutlines):
            store.of(result, name)


def test_labels_are_no_findings(film: Result) -> None:
    film.status = "predictions"
    for name in KINDS:
        with pytest.raises(NeedsFindings):
            store.of(film, name)


@pytest.mark.parametrize("name", DICOM_KINDS)
def test_after_the_study_is_deleted_no_object_can_be_had_made_or_not(film: Result, name: str) -> None:
    store.of(film, "dicom_sr")
    with tenant_context(film.tenant_id):
        study = Job.objects.get(pk=film.job_id).study
        assert study
        studies.delete(study, actor="test")
    gone = reread(film)
    with pytest.raises(OriginalsGone):
        store.of(gone, name)
    assert b"P-77" not in bytes_of(store.of(gone, "fhir"))


def test_where_only_the_files_are_gone_it_is_refused_the_same_way(film: Result) -> None:
    with tenant_context(film.tenant_id):
        for row in Instance.objects.all():
            storage.delete(row.tenant_id, row.sha256)
    with pytest.raises(OriginalsGone):
        store.of(film, "dicom_sr")
    assert bytes_of(store.of(film, "fhir")).startswith(b"{")


def test_what_the_library_refuses_is_told_as_such_and_quotes_nothing(
    film: Result, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(self: Kind, material: Any) -> bytes:
        raise ValueError(str(material.source.first.PatientName))

    monkeypatch.setattr(Kind, "build", refuse)
    with pytest.raises(NotBuilt) as told:
        store.of(film, "dicom_sr")
    assert isinstance(told.value, UserError)
    assert "小东" not in caplog.text
    assert rows_of(film) == []


def test_slices_that_do_not_say_where_they_lie_have_a_report_and_no_segmentation(clinic: Party) -> None:
    result = result_of(clinic.tenant, examples.slices("CT", FrameOfReferenceUID=None), 1)
    assert store.of(result, "dicom_sr").size_bytes > 0
    with pytest.raises(NotBuilt):
        store.of(result, "dicom_seg")


def test_the_offers_say_what_was_made_and_what_can_not_be(film: Result, pictures: Result) -> None:
    store.of(film, "dicom_sr")
    with tenant_context(film.tenant_id):
        offers = {offer.kind.name: offer for offer in store.offers(film)}
        codes = {offer.kind.name: offer.refusal and offer.refusal.code for offer in store.offers(pictures)}
    assert [name for name, offer in offers.items() if offer.made] == ["dicom_sr"]
    assert all(offer.refusal is None for offer in offers.values())
    assert codes == {**dict.fromkeys(DICOM_KINDS, "output_needs_dicom"), "fhir": None}


@pytest.fixture
def shared(transactional_db: None) -> Iterator[Result]:
    """A result in a database that other connections see."""
    with echo_installed():
        party = make_party("clinic")
        subscribe(party.tenant)
        yield result_of(party.tenant, examples.EXAMPLES["drawn films"](), 1)


@pytest.fixture
def together(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two builders end at once; on PostgreSQL both look for a row before either writes its own."""
    meeting, built = Barrier(2, timeout=30), store.built
    if connection.vendor == "postgresql":
        looked = Barrier(2, timeout=30)

        def meet(**kwargs: Any) -> None:
            looked.wait()

        pre_save.connect(meet, sender=Artifact)

    def both(order: store.Order) -> bytes:
        content = built(order)
        meeting.wait()
        return content

    monkeypatch.setattr(store, "built", both)
    yield
    if connection.vendor == "postgresql":
        pre_save.disconnect(meet, sender=Artifact)


def test_two_callers_at_once_get_the_same_one(shared: Result, together: None) -> None:
    outcomes = race(2, lambda _: store.of(shared, "dicom_sr"))
    assert failures(outcomes) == []
    assert len({row.pk for row in outcomes if isinstance(row, Artifact)}) == 1
    assert len(rows_of(shared)) == 1


def test_control_without_the_constraint_two_callers_make_two(shared: Result, together: None) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite lets one transaction write at a time, so that the second finds the first one's row")
    constraint = next(one for one in Artifact._meta.constraints if one.name == "artifact_once")
    with connection.schema_editor() as editor:
        editor.remove_constraint(Artifact, constraint)
    try:
        assert failures(race(2, lambda _: store.of(shared, "dicom_sr"))) == []
        assert len(rows_of(shared)) == 2
    finally:
        with tenant_context(shared.tenant_id):
            Artifact.objects.all().delete()
        with connection.schema_editor() as editor:
            editor.add_constraint(Artifact, constraint)
