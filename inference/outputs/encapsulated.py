"""The report as a PDF inside of a DICOM object, for archives that show documents (PS3.3, A.45.1)."""

from __future__ import annotations

from highdicom.base import SOPClass
from pydicom.dataset import Dataset
from pydicom.uid import EncapsulatedPDFStorage, ExplicitVRLittleEndian

from inference.outputs.material import Material
from inference.outputs.modules import UNSIGNED, encoded, identification, inherited, settled

KIND = "dicom_pdf"
SERIES_NUMBER = 9_004


def build(material: Material) -> bytes:
    """The object; the label is on every page of the document."""
    original = material.source.first
    made = SOPClass(
        sop_class_uid=EncapsulatedPDFStorage,
        modality="DOC",
        transfer_syntax_uid=ExplicitVRLittleEndian,
        **inherited(original),
        **identification(material, KIND, SERIES_NUMBER),
    )
    settled(made, material, original)
    describe(made, material)
    return encoded(made)


def describe(made: Dataset, material: Material) -> None:
    """The modules of a document: where it comes from, what it is called, and its bytes."""
    made.ConversionType = "WSD"
    made.BurnedInAnnotation = "YES"
    made.VerificationFlag = "VERIFIED" if material.is_signed else "UNVERIFIED"
    made.AcquisitionDateTime = None
    made.DocumentTitle = "AI report" if material.is_signed else f"AI report: {UNSIGNED}"
    made.ConceptNameCodeSequence = []
    made.SourceInstanceSequence = [reference(one) for one in material.source.images.values()]
    made.MIMETypeOfEncapsulatedDocument = "application/pdf"
    made.EncapsulatedDocumentLength = len(material.document)
    # an element has an even length
    made.EncapsulatedDocument = material.document + bytes(len(material.document) % 2)


def reference(original: Dataset) -> Dataset:
    """An image that the document tells of."""
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = original.SOPClassUID, original.SOPInstanceUID
    return item
