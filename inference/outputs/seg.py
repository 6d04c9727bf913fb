"""The outlines as DICOM segmentations: binary, a segment a finding, under the report's tracking UIDs (PS3.3, A.51).

Images of one series with one geometry share an object; an image that does not say where it lies has one of its own.
Only slices that a finding lies on are in it. Findings that overlap lie in different objects. Several make a zip.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from highdicom import AlgorithmIdentificationSequence
from highdicom.seg import SegmentAlgorithmTypeValues, Segmentation, SegmentationTypeValues, SegmentDescription
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from inference.domain.reading import ReadFinding
from inference.outputs import codes as ours
from inference.outputs.attributes import has_geometry
from inference.outputs.errors import MasksTooLarge, NeedsOutlines, NotBuilt
from inference.outputs.identity import uid
from inference.outputs.material import Analysis, Material
from inference.outputs.modules import encoded, identification, packed, settled
from inference.outputs.outlines import filled
from inference.outputs.source import require

KIND = "dicom_seg"
SERIES_NUMBER = 9_002
MOST_VALUES = 256 * 1024 * 1024
"""Cells of the masks of all objects of one geometry."""
MOST_SEGMENTS = 255
LABEL = 64
METHODS = {
    "edited": SegmentAlgorithmTypeValues.SEMIAUTOMATIC,
    "added": SegmentAlgorithmTypeValues.MANUAL,
}

Masks = NDArray[np.uint8]
Planes = list[tuple[int, NDArray[np.bool_]]]


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One object: images of one geometry, findings, and labels (images, rows, columns), which count them from 1."""

    images: Sequence[Dataset]
    findings: list[ReadFinding]
    labels: Masks


def build(material: Material) -> bytes:
    """One object, or a zip of several. Raises `NeedsOutlines`, `NotBuilt`, `MasksTooLarge`, `UnsuitableHeader`."""
    parts = [part for images in together(material) for part in parts_of(images, material.reading.standing)]
    if not parts:
        raise NeedsOutlines
    return packed([encoded(segmentation(part, material, number)) for number, part in enumerate(parts, start=1)])


def together(material: Material) -> list[dict[str, Dataset]]:
    """The outlined images by instance id, apart by what one object can hold."""
    marked = {contour.instance_id for one in material.reading.standing for contour in one.finding.contours}
    groups: dict[tuple[str, ...], dict[str, Dataset]] = {}
    for name, image in material.source.images.items():
        if name in marked:
            require(image, ("Rows", "Columns"))
            groups.setdefault(geometry_of(image), {})[name] = image
    return list(groups.values())


def parts_of(images: dict[str, Dataset], standing: Sequence[ReadFinding]) -> list[Part]:
    """The findings on these images; one that overlaps another goes into the next object.

    Raises `NotBuilt` for multi-frame originals, whose frames lie in different places, and `MasksTooLarge`.
    """
    if any(int(image.get("NumberOfFrames", 1)) > 1 for image in images.values()):
        raise NotBuilt
    shape_of(list(images.values()), 1)
    order = {name: number for number, name in enumerate(images)}
    parts: list[Part] = []
    for one in standing:
        masks = planes(one, images, order)
        if masks:
            add(part_for(masks, parts, list(images.values())), one, masks)
    return parts


def part_for(masks: Planes, parts: list[Part], images: list[Dataset]) -> Part:
    """The first object where the masks are free, else a new one."""
    for part in parts:
        if len(part.findings) < MOST_SEGMENTS and not any(part.labels[plane][mask].any() for plane, mask in masks):
            return part
    parts.append(Part(images, [], np.zeros(shape_of(images, len(parts) + 1), dtype=np.uint8)))
    return parts[-1]


def shape_of(images: Sequence[Dataset], parts: int) -> tuple[int, int, int]:
    """Of the labels of one object. Raises `MasksTooLarge` where so many together are above the cap."""
    shape = (len(images), int(images[0].Rows), int(images[0].Columns))
    if math.prod(shape) * parts > MOST_VALUES:
        raise MasksTooLarge(limit=MOST_VALUES)
    return shape


def add(part: Part, one: ReadFinding, masks: Planes) -> None:
    """Another segment."""
    part.findings.append(one)
    for plane, mask in masks:
        part.labels[plane][mask] = len(part.findings)


def planes(one: ReadFinding, images: dict[str, Dataset], order: dict[str, int]) -> Planes:
    """Number of the image and mask of each outline of a finding."""
    return [
        (order[name], filled(contour, int(images[name].Rows), int(images[name].Columns)))
        for contour in one.finding.contours
        if (name := contour.instance_id) in images
    ]


def geometry_of(image: Dataset) -> tuple[str, ...]:
    """What the images of one object have in common."""
    if not has_geometry(image):
        return (image.SOPInstanceUID,)
    names = ("SeriesInstanceUID", "FrameOfReferenceUID", "Rows", "Columns", "ImageOrientationPatient", "PixelSpacing")
    return tuple(str(image.get(name)) for name in names)


def segmentation(part: Part, material: Material, number: int) -> Segmentation:
    """One object."""
    images = part.images
    made = Segmentation(
        source_images=[planar(image) for image in images],
        pixel_array=part.labels,
        segmentation_type=SegmentationTypeValues.BINARY,
        segment_descriptions=[
            segment(one, position, material.analysis) for position, one in enumerate(part.findings, start=1)
        ],
        content_label="AI_FINDINGS",
        content_description=f"Outlines by {material.analysis.slug}"[:64],
        **identification(material, KIND, SERIES_NUMBER, number),
    )
    settled(made, material, images[0])
    if not has_geometry(images[0]):
        made.PatientOrientation = images[0].get("PatientOrientation")
    name_dimensions(made, uid(material.analysis.result_id, KIND, material.reading.revision, number, "dimensions"))
    return made


def planar(image: Dataset) -> Dataset:
    """The header as the constructor takes it: with a place in space wholly or not at all."""
    if has_geometry(image):
        return image
    copy = Dataset()
    copy.update(image)
    for name in ("FrameOfReferenceUID", "ImagePositionPatient", "ImageOrientationPatient"):
        if name in copy:
            delattr(copy, name)
    return copy


def name_dimensions(made: Dataset, name: str) -> None:
    """The constructor draws a random UID, and the same result must give the same object."""
    for item in (*made.DimensionIndexSequence, *made.DimensionOrganizationSequence):
        item.DimensionOrganizationUID = name


def segment(one: ReadFinding, number: int, analysis: Analysis) -> SegmentDescription:
    """What a segment is: type, place, who outlined it."""
    finding, method = one.finding, METHODS.get(one.status, SegmentAlgorithmTypeValues.AUTOMATIC)
    return SegmentDescription(
        segment_number=number,
        segment_label=f"Finding {one.number}: {finding.type.display}"[:LABEL],
        segmented_property_category=codes.SCT.MorphologicallyAbnormalStructure,
        segmented_property_type=ours.concept(finding.type),
        algorithm_type=method,
        algorithm_identification=None if method is SegmentAlgorithmTypeValues.MANUAL else algorithm(analysis),
        tracking_uid=finding.tracking_uid,
        tracking_id=f"Finding {one.number}",
        anatomic_regions=[ours.concept(finding.location.site)] if finding.location.site else None,
    )


def algorithm(analysis: Analysis) -> AlgorithmIdentificationSequence:
    return AlgorithmIdentificationSequence(
        name=analysis.slug, family=codes.DCM.ArtificialIntelligence, version=analysis.version
    )
