"""Key images as DICOM secondary captures in colour, outlines and label burned in (PS3.3, A.8.1)."""

from __future__ import annotations

import io

import numpy as np
from highdicom.sc import SCImage
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from inference.outputs.errors import NeedsOutlines
from inference.outputs.material import Material, Picture
from inference.outputs.modules import encoded, identification, inherited, packed, settled

KIND = "dicom_key_images"
SERIES_NUMBER = 9_003
LOSSY = ("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod")


def build(material: Material) -> bytes:
    """One object a key image; a zip where there are more. Raises `NeedsOutlines` where there is none."""
    shown = [picture for picture in material.pictures if picture.instance_id in material.source.images]
    if not shown:
        raise NeedsOutlines
    return packed([encoded(capture(picture, material, number)) for number, picture in enumerate(shown, start=1)])


def capture(picture: Picture, material: Material, number: int) -> SCImage:
    """One key image."""
    original = material.source.images[picture.instance_id]
    with Image.open(io.BytesIO(picture.png)) as opened:
        pixels = np.asarray(opened.convert("RGB"), dtype=np.uint8)
    made = SCImage(
        pixel_array=pixels,
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        # must be given here; the true one is set below
        patient_orientation=("L", "F"),
        **inherited(original),
        **identification(material, KIND, SERIES_NUMBER, number),
    )
    settled(made, material, original)
    describe(made, material, original)
    return made


def describe(made: Dataset, material: Material, original: Dataset) -> None:
    """What the constructor does not know: the label in the pixels, the original, the part of the body, the loss."""
    made.ImageType = ["DERIVED", "SECONDARY", "OTHER"]
    made.ConversionType = "WSD"
    made.BurnedInAnnotation = "YES"
    made.PatientOrientation = original.get("PatientOrientation")
    made.DateOfSecondaryCapture, made.TimeOfSecondaryCapture = made.ContentDate, made.ContentTime
    made.DerivationDescription = f"Key image of {material.analysis.slug} with outlines"
    made.SourceImageSequence = [reference_to(original)]
    for name in ("BodyPartExamined", "Laterality", *LOSSY):
        if name in original:
            setattr(made, name, original.get(name))
    if "BodyPartExamined" not in original and "Laterality" not in original:
        # the part of the body may be one of a pair: then the side has an element, if an empty one
        made.Laterality = None


def reference_to(original: Dataset) -> Dataset:
    """The original, as the source of what is shown."""
    item, purpose = Dataset(), Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = original.SOPClassUID, original.SOPInstanceUID
    found = codes.DCM.SourceImageForImageProcessingOperation
    purpose.CodeValue, purpose.CodingSchemeDesignator, purpose.CodeMeaning = found.value, "DCM", found.meaning
    item.PurposeOfReferenceCodeSequence = [purpose]
    return item
