"""The whole way with the shipped models: a study sent over REST, analysed, taken back as objects of that study."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.test import Client
from fhir.resources.R4B.bundle import Bundle
from highdicom.seg import segread
from highdicom.sr import srread
from pydicom import dcmread
from skimage.draw import polygon2mask

from inference import registry
from inference.engine.lease import Keeper
from inference.models import Instance
from inference.outputs.kinds import KINDS
from inference.plugins import registry as plugins
from ops.samples import SAMPLES
from tenants.context import operator_context, tenant_context
from tests.api.conftest import Api
from tests.conftest import Party, make_party
from tests.inference.outputs import template
from tests.inference.outputs.test_seg import LEAST_DICE, dice, masks_of, objects
from tests.inference.outputs.tools import dciodvfy_errors, dcmtk, fhir_errors
from tests.inference.work import serve, subscribe

pytestmark = pytest.mark.django_db
Taken = dict[str, bytes]


def sent(api: Api, files: list[Path]) -> dict[str, Any]:
    """The study, uploaded."""
    streams = []
    for path in files:
        stream = io.BytesIO(path.read_bytes())
        stream.name = path.name
        streams.append(stream)
    answer = api.upload(*streams)
    assert answer.status_code == 201
    study: dict[str, Any] = answer.json()
    return study


def analysed(api: Api, study: str, slug: str) -> str:
    """The job, worked on by the model that is shipped."""
    with operator_context():
        registry.sync()
        bucket = registry.bucket(plugins.get(slug))
    job = api.post("/v1/jobs", {"study": study, "plugin": slug}).json()["id"]
    serve(bucket, Keeper(), "worker-test")
    assert api.get(f"/v1/jobs/{job}").json()["state"] == "succeeded"
    return str(job)


@pytest.fixture
def party(db: None) -> Party:
    made = make_party("clinic")
    subscribe(made.tenant)
    return made


@pytest.mark.parametrize("name", list(SAMPLES))
def test_a_study_comes_back_as_objects_of_its_own(name: str, party: Party, tmp_path: Path) -> None:
    sample = SAMPLES[name]
    if sample.plugin not in plugins.installed():
        pytest.skip(f"the analysis {sample.plugin} is not installed")
    drawn = tmp_path / "drawn"
    drawn.mkdir()
    files = list(sample.files(drawn))
    api = Api(party.token)
    study = sent(api, files)
    job = analysed(api, study["id"], sample.plugin)
    result = api.get(f"/v1/jobs/{job}/result").json()
    assert result["findings"], "the sample has lesions"
    taken = {kind: api.get(f"/v1/jobs/{job}/outputs/{kind}").content for kind in KINDS}
    originals = [dcmread(path, stop_before_pixels=True) for path in files]
    check_objects(taken, originals, tmp_path)
    check_report(taken["dicom_sr"], result)
    check_masks(taken["dicom_seg"], result, party)
    check_bundle(taken["fhir"], result, study)
    assert {one["kind"] for one in api.get(f"/v1/jobs/{job}/result").json()["artifacts"]} == set(KINDS)
    assert Client().get(f"/v1/jobs/{job}/outputs").status_code == 401


def check_objects(taken: Taken, originals: list[Any], folder: Path) -> None:
    """Valid for others, and in the study of the originals."""
    first, known = originals[0], {str(one.SOPInstanceUID) for one in originals}
    for kind in ("dicom_sr", "dicom_seg", "dicom_key_images", "dicom_pdf"):
        for content in objects(taken[kind]):
            assert dciodvfy_errors(content, folder) == [], kind
            made = dcmread(io.BytesIO(content))
            for tag in ("StudyInstanceUID", "PatientID", "PatientName"):
                assert (made.get(tag) or "") == (first.get(tag) or ""), (kind, tag)
            assert str(made.SOPInstanceUID) not in known
    assert "PRELIMINARY" in dcmtk("dsr2html", taken["dicom_sr"], folder)


def check_report(content: bytes, result: dict[str, Any]) -> None:
    """Every finding once, with its values."""
    assert template.faults(dcmread(io.BytesIO(content))) == []
    found = srread(io.BytesIO(content)).content.get_planar_roi_measurement_groups()
    groups = {str(one.tracking_uid): one for one in found}
    assert set(groups) == {one["tracking_uid"] for one in result["findings"]}
    for one in result["findings"]:
        values = {m.name.meaning: m.value for m in groups[one["tracking_uid"]].get_measurements()}
        axis = one["size"]["long_axis_mm"] or one["size"]["long_axis_px"]
        assert values["Long axis"] == pytest.approx(axis)
        assert values["Certainty of Finding"] == pytest.approx(one["score"] * 100, abs=1e-3)


def check_masks(content: bytes, result: dict[str, Any], party: Party) -> None:
    """Every finding's masks against its outlines, filled by another library."""
    parts = [segread(io.BytesIO(one)) for one in objects(content)]
    with tenant_context(party.tenant.id):
        sizes = {row.sop_instance_uid: (row.header["rows"], row.header["columns"]) for row in Instance.objects.all()}
    for one in result["findings"]:
        uids = [reference["sop_instance_uid"] for reference in one["location"]["instances"]]
        part = next(each for each in parts if each.get_segment_numbers(tracking_uid=one["tracking_uid"]))
        found = masks_of(part, one["tracking_uid"])
        for uid, contour in zip(uids, one["contours"], strict=True):
            wanted = np.asarray(polygon2mask(sizes[uid], np.array(contour["points"])[:, ::-1]))
            if wanted.sum() > 30:
                assert dice(found[uid], wanted) > LEAST_DICE


def check_bundle(content: bytes, result: dict[str, Any], study: dict[str, Any]) -> None:
    """Valid for both validators, an observation for each finding, the study by its UID."""
    body = json.loads(content)
    Bundle.model_validate(body)
    assert fhir_errors(body) == []
    assert content.count(b'"resourceType": "Observation"') == len(result["findings"])
    assert f"urn:oid:{study['study_uid']}".encode() in content
