"""Whose a file is leaves the child as a digest, and when it was taken as a moment; a row has a pseudonym."""

from __future__ import annotations

import hashlib
import io
import json
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.serializers import serialize
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from inference.domain.errors import UnreadableFile
from inference.intake import configured
from inference.intake.inspection import Inspection, checked, inspect_file
from inference.intake.patients import patient_key
from inference.intake.pool import Pool
from inference.intake.receive import receive
from inference.intake.whose import patient_digest, taken_at
from inference.models import Instance, Series, Study
from tenants.context import tenant_context
from tenants.ids import uuid7
from tests.conftest import Party
from tests.inference.intake import files

NOON = {"StudyDate": "20240131", "StudyTime": "120000"}
HEADER = {"media_type": "application/dicom", "rows": 2, "columns": 3, "sop_instance_uid": "1.2.3"}
GOOD: dict[str, Any] = {"kind": "dicom", "study_uid": "1.2", "series_uid": "1.3", "header": HEADER}


def header(**attributes: Any) -> Dataset:
    return files.dataset_of(**attributes)


@pytest.fixture
def storage(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pool: Pool) -> None:
    disk = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(tmp_path)}}
    settings.STORAGES = {**settings.STORAGES, "studies": disk}
    monkeypatch.setattr(configured, "pool", lambda: pool)


def sent(party: Party, **attributes: Any) -> Study:
    return receive(party.tenant, [("a.dcm", io.BytesIO(files.dicom(**attributes)))]).study


def test_the_digest_is_that_of_issuer_and_id() -> None:
    one = patient_digest(header(PatientID="7", IssuerOfPatientID="North"))
    assert len(one) == len(hashlib.sha256().hexdigest())
    assert one == patient_digest(header(PatientID=" 7 ", IssuerOfPatientID="North"))
    others = [header(PatientID="7"), header(PatientID="8", IssuerOfPatientID="North"), header(PatientID="North7")]
    assert len({one, *map(patient_digest, others)}) == 4


@given(st.text("ab 1", max_size=4), st.text("ab 1", max_size=4), st.text("ab 1", max_size=4), st.text("ab", max_size=4))
def test_no_two_pairs_of_issuer_and_id_share_a_digest(issuer: str, identity: str, other: str, second: str) -> None:
    pairs = [(issuer.strip(), "x" + identity.strip()), (other.strip(), "x" + second)]
    digests = [patient_digest(header(PatientID=own, IssuerOfPatientID=by)) for by, own in pairs]
    assert (digests[0] == digests[1]) == (pairs[0] == pairs[1])


@pytest.mark.parametrize("nobody", [None, "", "  ", "ANONYMOUS", "anon", "0", "0000", "-", "Unknown", "n/a"])
def test_a_file_that_names_nobody_has_no_digest(nobody: str | None) -> None:
    assert patient_digest(header(PatientID=nobody)) == ""


@pytest.mark.parametrize(
    ("attributes", "moment"),
    [
        (NOON, "2024-01-31T12:00:00+00:00"),
        ({**NOON, "TimezoneOffsetFromUTC": "+0800"}, "2024-01-31T04:00:00+00:00"),
        ({**NOON, "TimezoneOffsetFromUTC": "-0330"}, "2024-01-31T15:30:00+00:00"),
        ({**NOON, "TimezoneOffsetFromUTC": "+9900"}, "2024-01-31T12:00:00+00:00"),
        ({**NOON, "TimezoneOffsetFromUTC": "here"}, "2024-01-31T12:00:00+00:00"),
        ({"StudyDate": "20240131"}, "2024-01-31T00:00:00+00:00"),
        ({"StudyDate": "20240131", "StudyTime": ""}, "2024-01-31T00:00:00+00:00"),
        ({"StudyTime": "120000"}, None),
        ({"StudyDate": ""}, None),
        ({}, None),
    ],
)
def test_the_moment_of_a_study_is_told_in_utc(attributes: dict[str, str], moment: str | None) -> None:
    assert taken_at(header(**attributes)) == moment


@pytest.mark.parametrize("strange", ["20241399", "yesterday", "00010101"])
def test_a_strange_date_is_none_and_no_failure(pool: Pool, strange: str) -> None:
    inspection = inspect_file(pool, files.dicom(StudyDate=strange, TimezoneOffsetFromUTC="+1200"))
    assert inspection.taken_at is None or inspection.taken_at.year <= 1


def test_the_child_tells_no_id(pool: Pool) -> None:
    inspection = inspect_file(pool, files.dicom(**NOON))
    assert inspection.patient == hashlib.sha256(b"0  CANARY-77").hexdigest()
    assert inspection.taken_at == datetime(2024, 1, 31, 12, tzinfo=UTC)
    assert "CANARY" not in json.dumps([dict(inspection.header), inspection.patient])
    assert inspection.patient not in repr(inspection)


def test_a_picture_is_nobody_s(pool: Pool) -> None:
    inspection = inspect_file(pool, files.picture(), lambda _: None)
    assert (inspection.patient, inspection.taken_at) == ("", None)


@pytest.mark.parametrize(
    "change",
    [{"patient": "CANARY-77"}, {"patient": 7}, {"patient": "A" * 64}, {"taken_at": "soon"}, {"taken_at": 7}],
)
def test_a_child_that_was_taken_over_tells_no_patient_of_its_choice(change: dict[str, Any]) -> None:
    assert checked(GOOD) == Inspection("dicom", HEADER, "1.2", "1.3")
    with pytest.raises(UnreadableFile):
        checked({**GOOD, **change})


def test_the_pseudonym_is_another_one_in_each_tenant_and_needs_the_secret(settings: Any) -> None:
    tenants = [uuid7(), uuid7()]
    keys = [patient_key(tenant, "d" * 64) for tenant in tenants]
    assert len({*keys, "d" * 64, hashlib.sha256(b"d" * 64).hexdigest()}) == 4
    assert [patient_key(tenant, "d" * 64) for tenant in tenants] == keys
    assert patient_key(tenants[0], "") == ""
    settings.SECRET_KEY += "changed"
    assert patient_key(tenants[0], "d" * 64) not in keys


@pytest.mark.usefixtures("storage")
def test_studies_of_one_patient_share_a_pseudonym_in_one_tenant_only(alice: Party, charlie: Party) -> None:
    first = sent(alice, **NOON)
    again = sent(alice, StudyInstanceUID="1.2.9", SOPInstanceUID="1.2.9.1")
    other = sent(alice, StudyInstanceUID="1.2.10", SOPInstanceUID="1.2.10.1", PatientID="CANARY-78")
    his = sent(charlie)
    assert first.patient_key == again.patient_key != ""
    assert len({first.patient_key, other.patient_key, his.patient_key}) == 3
    assert (first.taken_at, again.taken_at) == (datetime(2024, 1, 31, 12, tzinfo=UTC), None)


@pytest.mark.usefixtures("storage")
def test_files_of_two_patients_in_one_study_are_nobody_s(alice: Party) -> None:
    two = [("a", io.BytesIO(files.dicom())), ("b", io.BytesIO(files.dicom(PatientID="CANARY-78")))]
    assert receive(alice.tenant, two).study.patient_key == ""


@pytest.mark.usefixtures("storage")
def test_neither_the_id_nor_its_digest_is_kept_in_a_row_or_a_log(
    alice: Party, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        study = sent(alice, **NOON)
    with tenant_context(alice.tenant.id):
        rows = [*Study.objects.all(), *Series.objects.all(), *Instance.objects.all()]
        kept = serialize("json", rows)
    digest = hashlib.sha256(b"0  CANARY-77").hexdigest()
    assert study.patient_key in kept
    for secret in ("CANARY", digest):
        assert secret not in kept
        assert secret not in caplog.text
    assert study.patient_key not in caplog.text
