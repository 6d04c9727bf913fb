from __future__ import annotations

import io
import logging
import threading
import tracemalloc
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest
from django.db import connection

from inference import studies
from inference.domain.errors import InternalError, UserError
from inference.intake import configured, rows, storage
from inference.intake import receive as receiving
from inference.intake.group import Group
from inference.intake.headers import study_header
from inference.intake.limits import Limits
from inference.intake.outcome import NothingTaken
from inference.intake.pixels import pixel_reader
from inference.intake.pool import Pool
from inference.intake.receive import Reception, receive
from inference.intake.rows import mark_known
from inference.models import Instance, Series, Study
from tenants.context import tenant_context
from tenants.models import Tenant
from tests.conftest import Party
from tests.inference.intake import files
from tests.inference.intake.conftest import large

Named = tuple[str, bytes]
GOOD = ("a.dcm", files.dicom(SOPInstanceUID="1.2.3.1", InstanceNumber=1))
SECOND = ("b.dcm", files.dicom(SOPInstanceUID="1.2.3.2", InstanceNumber=2, RescaleSlope=3))
TEXT = ("notes.txt", b"This is no image.")


@pytest.fixture(autouse=True)
def place(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pool: Pool) -> Path:
    """A storage and a spool directory of the test's own; the pool of all tests."""
    blobs, uploads = tmp_path / "blobs", tmp_path / "uploads"
    uploads.mkdir()
    disk = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(blobs)}}
    settings.STORAGES = {**settings.STORAGES, "studies": disk}
    settings.FILE_UPLOAD_TEMP_DIR = str(uploads)
    monkeypatch.setattr(configured, "pool", lambda: pool)
    return tmp_path


def send(tenant: Tenant, *named: Named, **options: Any) -> Reception:
    return receive(tenant, [(name, io.BytesIO(content)) for name, content in named], **options)


def refused(tenant: Tenant, *named: Named) -> dict[str, str]:
    """The code of each file of a request of which nothing was taken."""
    with pytest.raises(NothingTaken) as caught:
        send(tenant, *named)
    return {outcome.name: outcome.code for outcome in caught.value.files}


def statuses(reception: Reception) -> list[str]:
    return [outcome.code or outcome.status for outcome in reception.files]


def counts(tenant: Tenant) -> tuple[int, int, int]:
    with tenant_context(tenant.id):
        return Study.objects.count(), Series.objects.count(), Instance.objects.count()


def left_over(place: Path) -> list[str]:
    """Files in the spool and in the storage."""
    return sorted(path.parent.parent.parent.parent.name for path in place.rglob("*") if path.is_file())


def test_a_study_becomes_rows_and_blobs(alice: Party, place: Path) -> None:
    reception = send(alice.tenant, GOOD, SECOND, description="first", metadata={"ward": "7"})
    assert statuses(reception) == ["stored", "stored"]
    study = reception.study
    assert (study.kind, study.modality, study.body_part, study.study_uid) == ("dicom", "CT", "CHEST", files.STUDY)
    assert (study.description, study.metadata) == ("first", {"ward": "7"})
    assert counts(alice.tenant) == (1, 1, 2)
    with tenant_context(alice.tenant.id):
        instance = Instance.objects.get(sop_instance_uid="1.2.3.1")
    assert instance.sha256 == reception.files[0].sha256
    assert storage.read(alice.tenant.id, instance.sha256) == GOOD[1]
    assert instance.size_bytes == len(GOOD[1])
    assert list((place / "uploads").iterdir()) == []


def test_the_stored_study_reads_as_the_domain_s_study(alice: Party, pool: Pool) -> None:
    positioned = [
        ("x", files.dicom(ImageOrientationPatient=[1, 0, 0, 0, 1, 0], ImagePositionPatient=[0, 0, z], InstanceNumber=n))
        for n, z in ((1, 30), (2, 10), (3, 20))
    ]
    study = send(alice.tenant, *positioned).study
    with tenant_context(alice.tenant.id):
        header = study_header(study)
    (series,) = header.series
    assert [one.instance_number for one in series.instances] == [2, 3, 1]
    assert series.instances[0].position == (0.0, 0.0, 10.0)
    assert (header.id, header.study_uid, series.series_uid) == (str(study.id), files.STUDY, files.SERIES)
    pixels = pixel_reader(pool, storage.blob_opener(alice.tenant.id))(series.instances[0])
    assert pixels[0, 0] == -1024


def test_a_real_radiograph_is_taken(alice: Party) -> None:
    reception = send(alice.tenant, ("film", large("RG1_UNCR.dcm").read_bytes()))
    assert statuses(reception) == ["stored"]
    assert reception.study.modality == "CR"


def test_good_files_are_kept_when_others_are_rejected(alice: Party) -> None:
    bad = ("cut.dcm", GOOD[1][:-10])
    reception = send(alice.tenant, TEXT, GOOD, bad, ("empty", b""))
    assert statuses(reception) == ["unreadable_file", "stored", "unreadable_file", "empty_file"]
    assert reception.files[0].error is not None
    assert "neither DICOM nor" in reception.files[0].error.detail
    assert counts(alice.tenant) == (1, 1, 1)


def test_when_all_are_rejected_nothing_is_kept(alice: Party, place: Path) -> None:
    assert refused(alice.tenant, TEXT, ("empty", b"")) == {"notes.txt": "unreadable_file", "empty": "empty_file"}
    assert counts(alice.tenant) == (0, 0, 0)
    assert left_over(place) == []


def test_the_error_of_a_request_has_the_code_of_its_files_when_they_share_one(alice: Party) -> None:
    with pytest.raises(NothingTaken) as one_code:
        send(alice.tenant, ("empty", b""))
    with pytest.raises(NothingTaken) as two_codes:
        send(alice.tenant, TEXT, ("empty", b""))
    assert (one_code.value.code, two_codes.value.code) == ("empty_file", "unreadable_file")


def test_a_request_without_files_is_refused(alice: Party) -> None:
    with pytest.raises(UserError) as caught:
        send(alice.tenant)
    assert caught.value.code == "no_files"


def test_the_same_file_again_is_a_success_without_a_second_copy(alice: Party, place: Path) -> None:
    first = send(alice.tenant, GOOD)
    again = send(alice.tenant, GOOD, ("the same.dcm", GOOD[1]))
    assert statuses(again) == ["duplicate", "duplicate"]
    assert again.study == first.study
    assert again.files[0].sha256 == first.files[0].sha256
    assert counts(alice.tenant) == (1, 1, 1)
    assert len(left_over(place)) == 1


def test_more_files_of_a_study_join_it(alice: Party) -> None:
    first = send(alice.tenant, GOOD, description="kept", metadata={"a": 1})
    second = send(alice.tenant, SECOND)
    assert second.study.pk == first.study.pk
    assert (second.study.description, second.study.metadata) == ("kept", {"a": 1})
    assert counts(alice.tenant) == (1, 1, 2)


def test_the_same_uids_in_two_tenants_are_two_studies(alice: Party, charlie: Party) -> None:
    hers, his = send(alice.tenant, GOOD), send(charlie.tenant, GOOD)
    assert hers.study.pk != his.study.pk
    assert counts(alice.tenant) == counts(charlie.tenant) == (1, 1, 1)
    storage.delete(alice.tenant.id, hers.files[0].sha256)
    assert storage.exists(charlie.tenant.id, his.files[0].sha256)


def test_files_of_a_second_study_are_told_to_come_alone(alice: Party) -> None:
    other = ("c.dcm", files.dicom(StudyInstanceUID="1.2.9"))
    reception = send(alice.tenant, other, GOOD, SECOND)
    assert statuses(reception) == ["other_study", "stored", "stored"]
    assert counts(alice.tenant) == (1, 1, 2)


def test_an_image_can_not_join_a_dicom_study(alice: Party) -> None:
    assert statuses(send(alice.tenant, ("a.png", files.picture()), GOOD)) == ["mixed_kinds", "stored"]


def test_other_bytes_under_a_stored_uid_are_refused(alice: Party, place: Path) -> None:
    send(alice.tenant, GOOD)
    changed = ("a.dcm", files.dicom(SOPInstanceUID="1.2.3.1", RescaleSlope=9))
    assert refused(alice.tenant, changed) == {"a.dcm": "uid_conflict"}
    assert statuses(send(alice.tenant, changed, SECOND)) == ["uid_conflict", "stored"]
    assert len(left_over(place)) == 2


def test_a_film_that_can_not_be_taken_decides_nothing_about_the_others(alice: Party) -> None:
    send(alice.tenant, GOOD)
    changed = ("a.dcm", files.dicom(SOPInstanceUID="1.2.3.1", RescaleSlope=9))
    other = ("c.dcm", files.dicom(SOPInstanceUID="1.2.3.3", StudyInstanceUID="1.2.9"))
    reception = send(alice.tenant, changed, ("a.png", files.picture()))
    assert (statuses(reception), reception.study.kind) == (["uid_conflict", "stored"], "image")
    assert statuses(send(alice.tenant, changed, other)) == ["uid_conflict", "stored"]
    assert statuses(send(alice.tenant, GOOD, ("b.png", files.picture()))) == ["duplicate", "mixed_kinds"]


def test_two_contents_of_one_uid_in_one_request_keep_the_first(alice: Party) -> None:
    changed = ("b.dcm", files.dicom(SOPInstanceUID="1.2.3.1", RescaleSlope=9))
    assert statuses(send(alice.tenant, GOOD, changed)) == ["stored", "uid_conflict"]


def test_loose_images_are_one_study_and_the_same_ones_again_are_the_same_study(alice: Party) -> None:
    first, second = ("1.png", files.picture()), ("2.jpg", files.picture("JPEG", "RGB"))
    reception = send(alice.tenant, first, second)
    assert (reception.study.kind, reception.study.modality) == ("image", "")
    with tenant_context(alice.tenant.id):
        header = study_header(reception.study)
    assert [one.media_type for one in header.instances] == ["image/png", "image/jpeg"]
    again = send(alice.tenant, second, first)
    assert statuses(again) == ["duplicate", "duplicate"]
    assert again.study == reception.study
    assert statuses(send(alice.tenant, first)) == ["stored"], "another set of images is another study"
    assert counts(alice.tenant) == (2, 2, 3)


def test_a_zip_counts_as_its_files(alice: Party) -> None:
    content = files.archive(GOOD, SECOND, TEXT, ("__MACOSX/._a.dcm", b"x"))
    reception = send(alice.tenant, ("study.zip", content))
    assert {outcome.name: outcome.code or outcome.status for outcome in reception.files} == {
        "study.zip/a.dcm": "stored",
        "study.zip/b.dcm": "stored",
        "study.zip/notes.txt": "unreadable_file",
    }


def test_a_cd_of_a_hospital_loses_no_film_for_what_lies_beside_it(alice: Party, place: Path) -> None:
    letter = ("README.docx", files.archive(("word/document.xml", b"<w/>")))
    with pytest.warns(UserWarning, match="Duplicate name"):
        content = files.archive(letter, GOOD, ("../../outside.dcm", SECOND[1]), SECOND, ("a.dcm", SECOND[1]))
    reception = send(alice.tenant, ("cd.zip", content), TEXT)
    assert [(outcome.name, outcome.code or outcome.status) for outcome in reception.files] == [
        ("cd.zip/README.docx", "archive_refused"),
        ("cd.zip/a.dcm", "stored"),
        ("cd.zip/../../outside.dcm", "archive_refused"),
        ("cd.zip/b.dcm", "stored"),
        ("cd.zip/a.dcm", "archive_refused"),
        ("notes.txt", "unreadable_file"),
    ]
    assert len(left_over(place)) == 2
    assert not list(place.parent.rglob("outside.dcm"))


def test_a_zip_of_nothing_but_archives_tells_each_of_them(alice: Party, place: Path) -> None:
    inner = files.archive(GOOD)
    told = refused(alice.tenant, ("all.zip", files.archive(("1.zip", inner), ("2.jar", inner))))
    assert told == {"all.zip/1.zip": "archive_refused", "all.zip/2.jar": "archive_refused"}
    assert left_over(place) == []


def test_a_refused_zip_costs_nothing_good_that_came_with_it(alice: Party, place: Path) -> None:
    bomb = files.archive(("big", bytes(64 * files.MIB)))
    assert statuses(send(alice.tenant, ("bomb.zip", bomb), GOOD)) == ["archive_refused", "stored"]
    assert len(left_over(place)) == 1


def test_a_preamble_that_is_a_program_is_not_stored(alice: Party) -> None:
    program = b"MZ" + b"\x90" * 126
    reception = send(alice.tenant, ("polyglot.dcm", files.dicom(program, SOPInstanceUID="1.2.3.1", InstanceNumber=1)))
    stored = storage.read(alice.tenant.id, reception.files[0].sha256)
    assert stored[:128] == bytes(128)
    assert stored == GOOD[1], "with the preamble gone it is the plain file, and a duplicate of it"


def test_metadata_of_a_picture_is_not_stored(alice: Party) -> None:
    reception = send(alice.tenant, ("a.jpg", files.picture("JPEG", "L", comment=b"Canary")))
    assert b"Canary" not in storage.read(alice.tenant.id, reception.files[0].sha256)


def test_nothing_of_the_patient_is_in_rows_logs_or_errors(alice: Party, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    reception = send(alice.tenant, GOOD, ("CANARY^NAME.txt", b"x"))
    with tenant_context(alice.tenant.id):
        stored = str([list(model.objects.values()) for model in (Study, Series, Instance)])
    told = f"{stored}{caplog.text}{[(one.code, one.error and one.error.detail) for one in reception.files]}".upper()
    assert "CANARY" not in told


class TestCaps:
    """Each cap refuses; the same request under a larger cap is taken, so it is the cap that refuses."""

    @pytest.fixture
    def capped(self, monkeypatch: pytest.MonkeyPatch, pool: Pool) -> Iterator[Any]:
        made: list[Pool] = []

        def cap(**limits: Any) -> None:
            made.append(Pool(replace(Limits(children=1), **limits)))
            monkeypatch.setattr(configured, "pool", lambda: made[-1])

        yield cap
        for one in made:
            one.close()

    def test_a_file_over_its_cap(self, alice: Party, capped: Any) -> None:
        big = files.dicom(SOPInstanceUID="1.2.3.9", StudyComments="x" * 5000)
        capped(file_bytes=4000)
        assert statuses(send(alice.tenant, GOOD, ("big", big))) == ["stored", "file_too_large"]
        capped(file_bytes=10_000)
        assert statuses(send(alice.tenant, ("big", big))) == ["stored"]

    def test_files_over_the_total(self, alice: Party, capped: Any) -> None:
        capped(total_bytes=len(GOOD[1]) + 10)
        assert statuses(send(alice.tenant, GOOD, SECOND)) == ["stored", "request_too_large"]
        capped(total_bytes=len(GOOD[1]) + len(SECOND[1]))
        assert statuses(send(alice.tenant, GOOD, SECOND)) == ["duplicate", "stored"]

    def test_more_files_than_a_request_takes(self, alice: Party, capped: Any, place: Path) -> None:
        read: list[int] = []

        def five_thousand() -> Iterable[tuple[str, BinaryIO]]:
            for number in range(5_000):
                read.append(number)
                yield f"{number}.txt", io.BytesIO(b"text")

        capped()
        with pytest.raises(UserError) as caught:
            receive(alice.tenant, five_thousand())
        assert (caught.value.code, caught.value.params) == ("too_many_files", {"limit": 2_000})
        assert len(read) == 2_001, "the rest is not even read"
        assert left_over(place) == []

    def test_more_files_in_an_archive_than_a_request_takes(self, alice: Party, capped: Any) -> None:
        content = files.archive(GOOD, SECOND, TEXT)
        capped(files=2)
        assert refused(alice.tenant, ("study.zip", content)) == {"study.zip": "archive_refused"}
        capped(files=3)
        assert statuses(send(alice.tenant, ("study.zip", content)))[:2] == ["stored", "stored"]


@pytest.mark.django_db(transaction=True)
def test_parallel_uploads_of_one_study_make_one_study(alice: Party, place: Path) -> None:
    together = threading.Barrier(6)

    def upload(number: int) -> Reception:
        own = (f"{number}", files.dicom(SOPInstanceUID=f"1.2.4.{number}", InstanceNumber=number))
        together.wait()
        try:
            return send(alice.tenant, GOOD, own, SECOND)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as threads:
        receptions = list(threads.map(upload, range(6)))
    assert len({reception.study.pk for reception in receptions}) == 1
    assert counts(alice.tenant) == (1, 1, 8)
    told = [statuses(reception) for reception in receptions]
    assert sorted(one[0] for one in told) == ["duplicate"] * 5 + ["stored"]
    assert [one[1] for one in told] == ["stored"] * 6
    assert len(left_over(place)) == 8


def test_an_upload_that_was_overtaken_looks_again(alice: Party, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another upload commits between the look and the write: the constraint refuses, the second look sees its rows."""
    send(alice.tenant, GOOD)
    looks: list[bool] = []

    def blind_at_first(tenant: Tenant, group: Group) -> None:
        looks.append(len(looks) >= 2)
        if looks[-1]:
            mark_known(tenant, group)

    for module in (receiving, rows):
        monkeypatch.setattr(module, "mark_known", blind_at_first)
    with monkeypatch.context() as single:
        single.setattr(rows, "TRIES", 1)
        with pytest.raises(InternalError):
            send(alice.tenant, GOOD)
    looks.clear()
    assert statuses(send(alice.tenant, GOOD)) == ["duplicate"]
    assert looks == [False, False, True]
    assert counts(alice.tenant) == (1, 1, 1)


def test_memory_does_not_grow_with_the_size_of_a_file(alice: Party) -> None:
    class Endless(io.RawIOBase):
        """100 MiB that exist only as they are read."""

        left = 100 * files.MIB

        def read(self, size: int = -1) -> bytes:
            assert size > 0, "a file must be read in pieces"
            size = min(size, self.left)
            self.left -= size
            return bytes(size)

    tracemalloc.start()
    try:
        with pytest.raises(NothingTaken) as caught:
            receive(alice.tenant, [("endless", cast(BinaryIO, Endless()))])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert caught.value.code == "unreadable_file"
    assert peak < 10 * files.MIB


@pytest.mark.django_db(transaction=True)
def test_a_crash_before_the_rows_leaves_no_rows_and_the_next_try_takes_it_all(
    alice: Party, monkeypatch: pytest.MonkeyPatch, place: Path
) -> None:
    def fail(*_: object) -> None:
        raise ConnectionError("the database is gone")

    with monkeypatch.context() as broken:
        broken.setattr(receiving, "write_rows", fail)
        with pytest.raises(ConnectionError):
            send(alice.tenant, GOOD)
    assert counts(alice.tenant) == (0, 0, 0)
    assert list((place / "uploads").iterdir()) == []
    assert statuses(send(alice.tenant, GOOD)) == ["stored"]


def test_bytes_that_a_deletion_takes_away_while_they_come_in_again_are_stored_all_the_same(
    alice: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = send(alice.tenant, GOOD)
    (digest,) = (outcome.sha256 for outcome in first.files)
    original = receiving.write_rows

    def deleted_meanwhile(*arguments: Any) -> Study:
        storage.delete(alice.tenant.id, digest)
        return original(*arguments)

    monkeypatch.setattr(receiving, "write_rows", deleted_meanwhile)
    send(alice.tenant, GOOD)
    assert storage.exists(alice.tenant.id, digest)


def test_a_deletion_looks_again_before_it_removes_bytes(alice: Party, django_capture_on_commit_callbacks: Any) -> None:
    study = send(alice.tenant, GOOD).study
    with tenant_context(alice.tenant.id):
        (digest,) = study.instances.values_list("sha256", flat=True)
        with django_capture_on_commit_callbacks() as waiting:
            studies.delete(study, actor="test")
    send(alice.tenant, GOOD)
    for callback in waiting:
        callback()
    assert storage.exists(alice.tenant.id, digest)
