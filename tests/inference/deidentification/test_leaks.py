"""From upload to erasure: no name in the database, the storage or the logs, but for what is sealed."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import storages
from django.db import connection

from inference import studies
from inference.deidentification.crosswalk import original_of
from inference.models import Job, Study
from tenants import datakeys
from tenants.context import operator_context, tenant_context
from tests.api.conftest import Api
from tests.conftest import Party
from tests.inference.deidentification.canaries import WORD, found_in, photo, planted
from tests.inference.deidentification.conftest import SetRule
from tests.inference.intake.files import archive
from tests.inference.work import SLUG, work


def named(content: bytes, name: str) -> io.BytesIO:
    file = io.BytesIO(content)
    file.name = name
    return file


def database() -> bytes:
    """Every value of every table."""
    values: list[bytes] = []
    with operator_context(), connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            for row in cursor.fetchall():
                values += [bytes(one) if isinstance(one, (bytes, memoryview)) else str(one).encode() for one in row]
    return b"\n".join(values)


def storage(party: Party) -> bytes:
    """Every file that is stored for the tenant, with its name."""
    root = Path(storages["studies"].path(f"tenants/{party.tenant.id.hex}"))
    return b"\n".join(path.name.encode() + path.read_bytes() for path in root.rglob("*") if path.is_file())


def upload(api: Api) -> dict[str, Any]:
    zipped = archive((f"{WORD}/{WORD}^Karl.dcm", planted()))
    answer = api.client.post(
        "/v1/studies",
        {"files": [named(zipped, f"{WORD}.zip")]},
        HTTP_IDEMPOTENCY_KEY="once",
        **api.headers,
    )
    assert answer.status_code == 201, answer.content
    assert WORD in answer.json()["files"][0]["name"]
    return dict(answer.json())


def analysed(api: Api, study: dict[str, Any]) -> dict[str, Any]:
    job = api.post("/v1/jobs", {"study": study["id"], "plugin": SLUG}).json()
    work()
    assert api.get(f"/v1/jobs/{job['id']}").json()["state"] == "succeeded"
    assert api.get(f"/v1/jobs/{job['id']}/report").status_code == 200
    return dict(api.get(f"/v1/jobs/{job['id']}/result").json())


def test_from_upload_to_erasure_no_name_is_kept_in_the_open(
    clinic: Party, set_rule: SetRule, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture,
    django_capture_on_commit_callbacks: Any,
) -> None:  # fmt: skip
    set_rule("pseudonymise")
    api = Api(clinic.token)
    told = upload(api)
    analysed(api, told)
    assert found_in(database()) == []
    assert found_in(storage(clinic)) == []

    with tenant_context(clinic.tenant.id):
        study = Study.objects.get()
        found = original_of(study, actor="test")
    # the way back is there, but only under the key
    assert found is not None
    assert WORD in str(found.module.PatientName)
    assert found.uid(study.study_uid) != study.study_uid

    with django_capture_on_commit_callbacks(execute=True), tenant_context(clinic.tenant.id):
        studies.delete(study, actor="test")
        datakeys.drop(clinic.tenant.id, actor="test")
    assert found_in(database()) == []
    assert found_in(storage(clinic)) == []
    logged = "".join(capfd.readouterr()) + "".join(
        record.getMessage() for record in caplog.records if not record.name.startswith("pydicom")
    )
    assert found_in(logged.encode()) == []


def test_control_with_the_rule_off_the_names_are_stored(clinic: Party) -> None:
    told = upload(Api(clinic.token))
    assert told["deidentification"] is None
    assert WORD in found_in(storage(clinic))


def test_pictures_from_a_folder_with_a_name_leave_no_trace_of_it(clinic: Party, set_rule: SetRule) -> None:
    set_rule("anonymise")
    api = Api(clinic.token)
    answer = api.upload(named(archive((f"{WORD}/{WORD}.png", photo())), f"{WORD}.zip"))
    assert answer.status_code == 201
    analysed(api, answer.json())
    assert found_in(database()) == []
    assert found_in(storage(clinic)) == []


def test_the_study_tells_which_attributes_were_changed(clinic: Party, set_rule: SetRule) -> None:
    set_rule("pseudonymise")
    api = Api(clinic.token)
    study = upload(api)
    report = api.get(f"/v1/studies/{study['id']}").json()["deidentification"]
    assert (report["mode"], report["files"], report["profile"]) == ("pseudonymise", 1, "assay-basic 1")
    changed = {(one["attribute"], one["action"]) for one in report["attributes"]}
    assert {("PatientBirthDate", "removed"), ("StudyDate", "shifted"), ("StudyInstanceUID", "remapped")} <= changed
    assert report["private_attributes"] > 0
    assert api.get("/v1/studies").json()["data"][0]["deidentification"] == report


def test_the_plugin_sees_the_same_pixels_and_the_job_tells_no_name(clinic: Party, set_rule: SetRule) -> None:
    set_rule("pseudonymise")
    api = Api(clinic.token)
    analysed(api, upload(api))
    with tenant_context(clinic.tenant.id):
        assert Job.objects.get().state == "succeeded"
