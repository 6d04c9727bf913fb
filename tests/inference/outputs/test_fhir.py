"""The bundle for FHIR: valid for two validators, true to the result, and silent about the patient."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle

from inference.outputs import fhir
from inference.outputs.material import Material
from inference.outputs.source import Source
from tests.inference.outputs import examples
from tests.inference.outputs.tools import fhir_errors

pytestmark = pytest.mark.database_free


def body_of(material: Material) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(fhir.build(material))
    return found


def resources(body: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [one["resource"] for one in body["entry"] if one["resource"]["resourceType"] == kind]


def of_pictures(material: Material) -> Material:
    """The same as if the study had come as PNG."""
    return replace(material, source=Source())


def states(name: str) -> list[Material]:
    plain = examples.material(name, 1, 2)
    return [
        plain,
        replace(plain, reading=examples.signed(plain.reading)),
        replace(plain, reading=examples.signed(plain.reading, addendum="Compared with 2025.")),
        replace(plain, reading=examples.read()),
        of_pictures(plain),
    ]


@pytest.mark.parametrize("name", list(examples.EXAMPLES))
def test_every_bundle_is_valid_for_both_validators(name: str) -> None:
    for material in states(name):
        body = body_of(material)
        Bundle.model_validate(body)
        assert fhir_errors(body) == []


def test_control_a_status_that_is_none_is_seen() -> None:
    body = body_of(examples.material("CT", 1))
    resources(body, "Observation")[0]["status"] = "done"
    assert any("done" in one["message"] for one in fhir_errors(body))


def test_control_an_unknown_field_is_seen() -> None:
    body = body_of(examples.material("CT", 1))
    resources(body, "Observation")[0]["colour"] = "red"
    with pytest.raises(ValueError, match="colour"):
        Bundle.model_validate(body)


def test_every_reference_leads_to_a_resource_of_the_bundle() -> None:
    for material in states("CT"):
        text = fhir.build(material).decode()
        body = json.loads(text)
        known = {one["fullUrl"] for one in body["entry"]}
        used = {part.split('"')[0] for part in text.split('"reference": "')[1:]}
        assert used <= known
        assert len(known) == len(body["entry"])


def test_the_status_follows_the_signature() -> None:
    plain, signed, appended, *_ = states("CT")
    told = [resources(body_of(one), "DiagnosticReport")[0]["status"] for one in (plain, signed, appended)]
    assert told == ["preliminary", "final", "appended"]
    observed = [{one["status"] for one in resources(body_of(m), "Observation")} for m in (plain, signed, appended)]
    assert observed == [{"preliminary"}, {"final"}, {"final"}]
    assert "not for diagnostic use" in resources(body_of(plain), "DiagnosticReport")[0]["conclusion"]
    report = resources(body_of(signed), "DiagnosticReport")[0]
    assert "not for diagnostic use" not in json.dumps(body_of(signed))
    assert report["resultsInterpreter"] == [{"type": "Practitioner", "display": "Dr. 李^娜"}]
    assert report["conclusion"].startswith("One nodule; control in three months.")


def test_a_finding_is_told_with_its_values_and_its_tracking_uid() -> None:
    body = body_of(examples.material("CT", 1))
    one = resources(body, "Observation")[0]
    assert one["identifier"] == [{"system": "urn:dicom:uid", "value": "urn:oid:2.25.1001"}]
    assert one["valueCodeableConcept"]["coding"][0] == {
        "system": "http://snomed.info/sct", "code": "27925004", "display": "Nodule"
    }  # fmt: skip
    assert [coding["code"] for coding in one["bodySite"]["coding"]] == ["3341006", "24028007"]
    values = {
        (part["code"]["coding"][0]["display"], part["valueQuantity"]["value"], part["valueQuantity"]["code"])
        for part in one["component"]
    }
    assert values == {
        ("Long axis", 12.25, "mm"), ("Short axis", 10.5, "mm"), ("Diameter", 11.38, "mm"), ("Area", 101.5, "mm2"),
        ("Volume", 890.1, "mm3"), ("Certainty of Finding", 87.654, "%"),
    }  # fmt: skip


def test_the_study_is_named_by_its_uids() -> None:
    material = examples.material("CT", 1)
    study = resources(body_of(material), "ImagingStudy")[0]
    assert study["identifier"][0]["value"] == f"urn:oid:{material.source.first.StudyInstanceUID}"
    assert (study["numberOfInstances"], study["started"]) == (12, "2026-02-28")
    shown = {one["uid"] for series in study["series"] for one in series["instance"]}
    assert shown == {str(one.SOPInstanceUID) for one in material.source.images.values()}


def test_of_the_patient_only_the_identifier_is_told() -> None:
    text = fhir.build(examples.material("CT", 1)).decode()
    assert "P-77" in text
    for secret in ("王", "小东", "1970", "A-1", "Jane"):
        assert secret not in text, secret


def test_a_study_of_pictures_has_no_patient_and_no_imaging_study() -> None:
    body = body_of(of_pictures(examples.material("CT", 1)))
    assert resources(body, "ImagingStudy") == []
    assert resources(body, "DiagnosticReport")[0]["subject"] == {"type": "Patient", "display": "not known"}
    assert "P-77" not in json.dumps(body)


def test_a_rejected_finding_is_left_out() -> None:
    material = examples.material("CT", 1, 2)
    first, second = material.reading.findings
    reading = replace(examples.signed(material.reading), findings=(replace(first, status="rejected"), second))
    body = body_of(replace(material, reading=reading))
    assert [one["identifier"][0]["value"] for one in resources(body, "Observation")] == ["urn:oid:2.25.1002"]


def test_the_same_result_gives_the_same_bytes_and_its_resources_keep_their_ids_when_it_is_signed() -> None:
    plain, signed, *_ = states("CT")
    assert fhir.build(plain) == fhir.build(states("CT")[0])
    ids = [[one["resource"]["id"] for one in body_of(m)["entry"]] for m in (plain, signed)]
    assert ids[0] == ids[1]
