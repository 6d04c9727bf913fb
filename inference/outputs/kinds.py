"""The table of outputs: what there is, who builds it, and what the builder needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import cast

from inference.outputs.material import Material

DICOM, ZIP, FHIR = "application/dicom", "application/zip", "application/fhir+json"
ZIP_START = b"PK"
ENDINGS = {DICOM: "dcm", ZIP: "zip", FHIR: "json"}


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of output. `needs_dicom` is an original study that is still there and was sent as DICOM."""

    name: str
    module: str
    media_type: str
    needs_dicom: bool = True
    has_outlines: bool = False
    has_pictures: bool = False
    has_document: bool = False

    def build(self, material: Material) -> bytes:
        """Make it. The libraries behind it take a second to load: what never exports does without."""
        builder = cast(Callable[[Material], bytes], import_module(f"inference.outputs.{self.module}").build)
        return builder(material)

    def type_of(self, content: bytes) -> str:
        """The media type: several DICOM objects come as a zip."""
        return ZIP if self.media_type == DICOM and content.startswith(ZIP_START) else self.media_type


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("dicom_sr", "sr", DICOM),
        Kind("dicom_seg", "seg", DICOM, has_outlines=True),
        Kind("dicom_key_images", "capture", DICOM, has_pictures=True),
        Kind("dicom_pdf", "encapsulated", DICOM, has_document=True),
        Kind("fhir", "fhir", FHIR, needs_dicom=False),
    )
}
