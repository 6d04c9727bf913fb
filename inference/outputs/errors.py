"""Why an output can not be had; each tells what to do instead."""

from __future__ import annotations

from inference.domain.errors import UserError


class OutputUnavailable(UserError):
    """This result has no output of this kind."""

    code = "output_unavailable"
    template = "This result has no output of this kind."


class NeedsDicom(OutputUnavailable):
    """The study came as PNG or JPEG, so there is no DICOM study to put an object into."""

    code = "output_needs_dicom"
    template = "The study was not sent as DICOM, so no DICOM object can refer to it: take the report or FHIR instead."


class NeedsOutlines(OutputUnavailable):
    """Nothing to show or to fill."""

    code = "output_needs_outlines"
    template = "The result has no outlined finding to show: take the structured report instead."


class NeedsFindings(OutputUnavailable):
    """The analysis labels its input, and finds nothing in a place."""

    code = "output_needs_findings"
    template = "The analysis gives labels and no findings: its result is taken as JSON."


class OriginalsGone(UserError):
    """The study was deleted before this output was made."""

    code = "purged"
    template = "The images of this study were deleted before this output was made, so it can not be made any more."


class UnsuitableHeader(UserError):
    """An original whose header an output can not be made from."""

    code = "unsuitable_header"
    template = "The header of an original image has no valid %(attribute)s, which this output needs."


class NotBuilt(UserError):
    """The headers or the outlines are of a kind that the standard has no place for."""

    code = "output_not_built"
    template = "No valid object of this kind can be made from the original images: take the report or FHIR instead."


class OutputTooLarge(UserError):
    """A cap was met."""

    code = "output_too_large"
    template = "The output would be larger than %(limit)s bytes, which is the limit."


class TooManyImages(OutputTooLarge):
    """Too many headers to read."""

    template = "The findings lie on more than %(limit)s images, which is the limit of one output."


class MasksTooLarge(OutputTooLarge):
    """Too much memory to fill outlines in."""

    template = "The images are too large for a segmentation: the limit is %(limit)s pixels of all outlined images."
