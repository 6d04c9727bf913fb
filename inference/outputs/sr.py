"""The result as a DICOM structured report: template 1500, a planar region for each finding (PS3.16).

Comprehensive 3D SR with outlines in mm where an image says where it lies in the patient, else Comprehensive SR with
outlines in pixels. A lesion on several slices is outlined on the one where its axes were measured; the segmentation
has it whole, under the same tracking UID.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from highdicom.coding_schemes import CodingSchemeIdentificationItem
from highdicom.sr import (
    AlgorithmIdentification,
    Comprehensive3DSR,
    ComprehensiveSR,
    DeviceObserverIdentifyingAttributes,
    FindingSite,
    GraphicTypeValues,
    GraphicTypeValues3D,
    ImageRegion,
    ImageRegion3D,
    Measurement,
    MeasurementReport,
    MeasurementsAndQualitativeEvaluations,
    ObservationContext,
    ObserverContext,
    PersonObserverIdentifyingAttributes,
    PlanarROIMeasurementsAndQualitativeEvaluations,
    QualitativeEvaluation,
    RelationshipTypeValues,
    SourceImageForMeasurementGroup,
    SourceImageForRegion,
    TextContentItem,
    TrackingIdentifier,
)
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from inference.domain.reading import ReadFinding
from inference.domain.report import Contour
from inference.outputs import codes as ours
from inference.outputs.attributes import has_geometry
from inference.outputs.identity import uid
from inference.outputs.material import NOT_FOR_DIAGNOSIS, Analysis, Material
from inference.outputs.modules import MANUFACTURER, encoded, identification, settled
from inference.outputs.outlines import best_contour, closed, in_image, in_patient

KIND = "dicom_sr"
SERIES_NUMBER = 9_001
ORGANISATION = "Not given"
Group = PlanarROIMeasurementsAndQualitativeEvaluations | MeasurementsAndQualitativeEvaluations


def build(material: Material) -> bytes:
    """The report as a DICOM file: preliminary and unverified until a person has signed the reading."""
    return encoded(document(material))


def document(material: Material) -> Dataset:
    """The structured report as a data set."""
    evidence = list(material.source.images.values())
    form = Comprehensive3DSR if any(has_geometry(one) for one in evidence) else ComprehensiveSR
    made = form(
        evidence=evidence,
        content=content(material)[0],
        **identification(material, KIND, SERIES_NUMBER),
        **verification(material),
        is_complete=True,
        previous_versions=[material.predecessor] if material.predecessor else None,
        coding_schemes=[CodingSchemeIdentificationItem(ours.SCHEME, name=ours.SCHEME_NAME)],
    )
    settled(made, material, evidence[0])
    for observer in made.get("VerifyingObserverSequence", []):
        observer.VerificationDateTime = material.moment.strftime("%Y%m%d%H%M%S")
    return made


def verification(material: Material) -> dict[str, Any]:
    """The flags, and who verified it."""
    signature = material.reading.signature
    if signature is None:
        return {"is_final": False, "is_verified": False}
    return {
        "is_final": True,
        "is_verified": True,
        "verifying_observer_name": person_name(signature.signer),
        "verifying_organization": ORGANISATION,
    }


def person_name(name: str) -> str:
    """A name as a person gave it, as the family name component: which part is which is not known."""
    return "".join(" " if letter in "^=\\" else letter for letter in name).strip()[:64] + "^"


def content(material: Material) -> MeasurementReport:
    """The tree of template 1500, with remarks and conclusion behind the measurements."""
    images = list(material.source.images.values())
    groups = [group(one, material) for one in material.reading.standing] or [nothing_found(material)]
    made = MeasurementReport(
        observation_context=ObservationContext(
            observer_person_context=observer_person(material),
            observer_device_context=observer_device(material.analysis),
        ),
        procedure_reported=ours.PROCEDURES.get(str(images[0].get("Modality")), ours.IMAGING),
        imaging_measurements=groups,
    )
    made[0].ContentSequence.extend(remarks(material))
    return made


def observer_device(analysis: Analysis) -> ObserverContext:
    """The model, as the device that observed."""
    return ObserverContext(
        codes.DCM.Device,
        DeviceObserverIdentifyingAttributes(
            uid=uid(analysis.result_id, "device"),
            name=analysis.title[:64],
            manufacturer_name=MANUFACTURER,
            model_name=f"{analysis.slug} {analysis.version}",
            serial_number=analysis.weights_sha256[:64] or None,
        ),
    )


def observer_person(material: Material) -> ObserverContext | None:
    """Who signed."""
    signature = material.reading.signature
    if signature is None:
        return None
    return ObserverContext(codes.DCM.Person, PersonObserverIdentifyingAttributes(name=person_name(signature.signer)))


def group(one: ReadFinding, material: Material) -> Group:
    """One finding: where it is, what it is, how large and how certain."""
    contour = best_contour(one.finding)
    image = material.source.images.get(contour.instance_id) if contour else None
    described = described_by(one, material)
    if contour is None or image is None:
        return MeasurementsAndQualitativeEvaluations(**described)
    return PlanarROIMeasurementsAndQualitativeEvaluations(referenced_region=region(contour, image), **described)


def described_by(one: ReadFinding, material: Material) -> dict[str, Any]:
    """What a group says beside the place."""
    finding, analysis = one.finding, material.analysis
    return {
        "tracking_identifier": TrackingIdentifier(uid=finding.tracking_uid, identifier=f"Finding {one.number}"),
        "finding_type": ours.concept(finding.type),
        "finding_category": codes.SCT.MorphologicallyAbnormalStructure,
        "algorithm_id": algorithm(analysis) if one.machine is not None else None,
        "finding_sites": sites(one),
        "measurements": list(measurements(one)),
        "qualitative_evaluations": list(evaluations(one)),
    }


def algorithm(analysis: Analysis) -> AlgorithmIdentification:
    return AlgorithmIdentification(
        name=analysis.slug, version=analysis.version, parameters=[f"weights {analysis.weights_sha256}"]
    )


def sites(one: ReadFinding) -> list[FindingSite] | None:
    site = one.finding.location.site
    return [FindingSite(ours.concept(site), laterality=ours.LATERALITY.get(site.laterality))] if site else None


def measurements(one: ReadFinding) -> Iterator[Measurement]:
    """Every size that is known; the model's certainty, which nobody but the model has."""
    for name, value, unit in ours.sizes(one.finding.size):
        yield Measurement(name=name, value=value, unit=unit, derivation=ours.DERIVATIONS.get(name))
    if one.machine is not None:
        yield Measurement(name=ours.CERTAINTY, value=round(one.finding.score * 100, 4), unit=ours.PERCENT)


def evaluations(one: ReadFinding) -> Iterator[QualitativeEvaluation]:
    """What a person did with it; whether it goes on beyond the image."""
    if one.status in ours.REVIEWED:
        yield QualitativeEvaluation(ours.REVIEW, ours.REVIEWED[one.status])
    if one.finding.truncated:
        yield QualitativeEvaluation(ours.EXTENT, ours.CUT_OFF)


def region(contour: Contour, image: Dataset) -> ImageRegion | ImageRegion3D:
    """The outline: in mm where the image lies in the patient, else in pixels of the image."""
    if has_geometry(image):
        return ImageRegion3D(
            graphic_type=GraphicTypeValues3D.POLYGON,
            graphic_data=in_patient(closed(contour), image),
            frame_of_reference_uid=image.FrameOfReferenceUID,
        )
    frames = [contour.frame] if int(image.get("NumberOfFrames", 1)) > 1 else None
    return ImageRegion(
        graphic_type=GraphicTypeValues.POLYLINE,
        graphic_data=in_image(closed(contour), image),
        source_image=SourceImageForRegion(image.SOPClassUID, image.SOPInstanceUID, frames),
    )


def nothing_found(material: Material) -> MeasurementsAndQualitativeEvaluations:
    """A group that says that nothing was found, which is not that nothing is there."""
    first = material.source.first
    return MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(uid=uid(material.analysis.result_id, "nothing"), identifier="Result"),
        algorithm_id=algorithm(material.analysis),
        qualitative_evaluations=[QualitativeEvaluation(codes.DCM.Finding, ours.NO_FINDING)],
        source_images=[SourceImageForMeasurementGroup(first.SOPClassUID, first.SOPInstanceUID)],
    )


def remarks(material: Material) -> Iterator[TextContentItem]:
    """The label until a person has signed, the notes of the analysis, the person's conclusion and addenda."""
    reading = material.reading
    said = [*([] if material.is_signed else [NOT_FOR_DIAGNOSIS]), material.analysis.disclaimer]
    for text in (*said, *material.analysis.notes, *(one.text for one in reading.addenda)):
        if text.strip():
            yield TextContentItem(codes.DCM.Comment, text, RelationshipTypeValues.CONTAINS)
    if reading.conclusion.strip():
        yield TextContentItem(codes.DCM.Conclusion, reading.conclusion, RelationshipTypeValues.CONTAINS)
