"""The result for FHIR R4B: a bundle of DiagnosticReport, an Observation a finding, ImagingStudy and Device.

Of the patient only the identifier of the original is told; a study of PNG or JPEG has none. What leaves was validated
against the models of the standard.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from fhir.resources.R4B.bundle import Bundle
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code

from inference.domain.reading import ReadFinding
from inference.domain.study import SeriesHeader
from inference.outputs import codes as ours
from inference.outputs.identity import name_of
from inference.outputs.material import NOT_FOR_DIAGNOSIS, Material
from inference.outputs.modules import MANUFACTURER
from inference.outputs.subject import DICOM_UID, OID, day, subject

SYSTEMS = {
    "SCT": "http://snomed.info/sct",
    "DCM": "http://dicom.nema.org/resources/ontology/DCM",
    "UCUM": "http://unitsofmeasure.org",
}
OWN_SYSTEM = "urn:assay:codes"
IMAGING_REPORT = {"system": "http://loinc.org", "code": "18748-4", "display": "Diagnostic imaging study"}
RADIOLOGY = {"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "RAD", "display": "Radiology"}
IMAGING = {
    "system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "imaging", "display": "Imaging",
}  # fmt: skip
FINDING = Code("121071", "DCM", "Finding")
Resource = dict[str, Any]


def build(material: Material) -> bytes:
    """The bundle as JSON. Raises `ValueError` where the models of the standard refuse it."""
    resources = [
        report(material),
        *(observation(one, material) for one in material.reading.standing),
        *imaging_study(material),
        device(material),
    ]
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "identifier": identifier(f"urn:uuid:{name_of(material.analysis.result_id, 'fhir', 'bundle')}"),
        "timestamp": instant(material.moment),
        "entry": [{"fullUrl": f"urn:uuid:{one['id']}", "resource": one} for one in resources],
    }
    Bundle.model_validate(bundle)
    return json.dumps(bundle, ensure_ascii=False, sort_keys=True).encode()


def status(material: Material) -> str:
    """Preliminary until signed; appended to when an addendum was written."""
    if not material.is_signed:
        return "preliminary"
    return "appended" if material.reading.addenda else "final"


def report(material: Material) -> Resource:
    """What the result says as a whole."""
    reading, signature = material.reading, material.reading.signature
    made = {
        "resourceType": "DiagnosticReport",
        "id": key(material, "report"),
        "identifier": [identifier(f"urn:uuid:{material.analysis.result_id}")],
        "status": status(material),
        "category": [{"coding": [RADIOLOGY]}],
        "code": {"coding": [IMAGING_REPORT], "text": material.analysis.title},
        "issued": instant(material.moment),
        "result": [reference(material, "finding", one.id) for one in reading.standing],
        "conclusion": conclusion(material),
        **patient(material),
    }
    if material.source.images:
        made["imagingStudy"] = [reference(material, "study")]
    if signature is not None:
        made["resultsInterpreter"] = [{"type": "Practitioner", "display": signature.signer}]
    return without_empty(made)


def conclusion(material: Material) -> str:
    """The person's words; before a signature the label, with what the model's maker says."""
    reading, analysis = material.reading, material.analysis
    count = f"Findings: {len(reading.standing)}." if reading.standing else f"{ours.NO_FINDING.meaning}."
    label = () if material.is_signed else (NOT_FOR_DIAGNOSIS,)
    said = (*label, reading.conclusion or count, *analysis.notes, analysis.disclaimer)
    return "\n".join(text for text in (*said, *(one.text for one in reading.addenda)) if text.strip())


def observation(one: ReadFinding, material: Material) -> Resource:
    """One finding: type, place, sizes and the model's certainty."""
    finding = one.finding
    made = {
        "resourceType": "Observation",
        "id": key(material, "finding", one.id),
        "identifier": [{"system": DICOM_UID, "value": f"{OID}{finding.tracking_uid}"}],
        "status": observation_status(material),
        "category": [{"coding": [IMAGING]}],
        "code": concept(FINDING),
        "valueCodeableConcept": {**concept(ours.concept(finding.type)), "text": finding.type.display},
        "issued": instant(material.moment),
        "component": list(components(one)),
        "device": reference(material, "device"),
        "note": [] if material.is_signed else [{"text": NOT_FOR_DIAGNOSIS}],
        **body_site(one),
        **patient(material),
    }
    if material.source.images:
        made["derivedFrom"] = [reference(material, "study")]
    return without_empty(made)


def observation_status(material: Material) -> str:
    """A finding has no addenda."""
    return "final" if material.is_signed else "preliminary"


def components(one: ReadFinding) -> Iterator[Resource]:
    """Each known size, and the certainty of the model where the model found it."""
    for name, value, unit in ours.sizes(one.finding.size):
        yield component(name, value, unit)
    if one.machine is not None:
        yield component(ours.CERTAINTY, round(one.finding.score * 100, 4), ours.PERCENT)


def component(name: Code, value: float, unit: Code) -> Resource:
    quantity = {"value": value, "unit": unit.meaning, "system": SYSTEMS["UCUM"], "code": unit.value}
    return {"code": concept(name), "valueQuantity": quantity}


def body_site(one: ReadFinding) -> Resource:
    """Where in the body; the side is in the words and, where it has a code, as a second one."""
    site = one.finding.location.site
    if site is None:
        return {}
    made = concept(ours.concept(site))
    if site.laterality in ours.LATERALITY:
        made["coding"].append(coding(ours.LATERALITY[site.laterality]))
    return {"bodySite": {**made, "text": site.display}}


def imaging_study(material: Material) -> Iterator[Resource]:
    """The original study; none where it is gone or was not DICOM."""
    study = material.source.study
    if study is None or not material.source.images:
        return
    started = day(str(material.source.first.get("StudyDate") or ""))
    yield without_empty({
        "resourceType": "ImagingStudy",
        "id": key(material, "study"),
        "identifier": [{"system": DICOM_UID, "value": f"{OID}{study.study_uid}"}],
        "status": "available",
        "modality": [modality(name) for name in sorted({one.modality for one in study.series if one.modality})],
        "started": started,
        "numberOfSeries": len(study.series),
        "numberOfInstances": len(study.instances),
        "series": [series(one) for one in study.series],
        **patient(material),
    })  # fmt: skip


def series(one: SeriesHeader) -> Resource:
    """One series with its images."""
    return without_empty({
        "uid": one.series_uid,
        "modality": modality(one.modality or "OT"),
        "numberOfInstances": len(one.instances),
        "instance": list(instances(one)),
    })  # fmt: skip


def instances(one: SeriesHeader) -> Iterator[Resource]:
    """The images by UID and class."""
    for instance in one.instances:
        yield {
            "uid": instance.sop_instance_uid,
            "sopClass": {"system": "urn:ietf:rfc:3986", "code": f"{OID}{instance.sop_class_uid}"},
        }


def modality(name: str) -> Resource:
    return {"system": SYSTEMS["DCM"], "code": name}


def device(material: Material) -> Resource:
    """The model, with the digest of its weights."""
    analysis = material.analysis
    return without_empty({
        "resourceType": "Device",
        "id": key(material, "device"),
        "manufacturer": MANUFACTURER,
        "deviceName": [{"name": analysis.title, "type": "user-friendly-name"}],
        "modelNumber": analysis.slug,
        "serialNumber": analysis.weights_sha256,
        "version": [{"value": analysis.version}],
        "note": [{"text": analysis.disclaimer}] if analysis.disclaimer else [],
    })  # fmt: skip


def patient(material: Material) -> Resource:
    """The subject; not known where there are no originals."""
    header = material.source.first if material.source.images else Dataset()
    return {"subject": subject(*(str(header.get(name) or "") for name in ("PatientID", "IssuerOfPatientID")))}


def concept(code: Code) -> Resource:
    return {"coding": [coding(code)]}


def coding(code: Code) -> Resource:
    """A code with the system that FHIR knows its scheme by."""
    system = SYSTEMS.get(code.scheme_designator, OWN_SYSTEM)
    return {"system": system, "code": code.value, "display": code.meaning}


def identifier(value: str) -> Resource:
    return {"system": "urn:ietf:rfc:3986", "value": value}


def key(material: Material, *parts: object) -> str:
    """The id of a resource: the same in every revision, so that a server updates it."""
    return str(name_of(material.analysis.result_id, "fhir", *parts))


def reference(material: Material, *parts: object) -> Resource:
    return {"reference": f"urn:uuid:{key(material, *parts)}"}


def instant(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def without_empty(resource: Resource) -> Resource:
    """FHIR has no empty values."""
    return {name: value for name, value in resource.items() if value not in ("", [], None)}
