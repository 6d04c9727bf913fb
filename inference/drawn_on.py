"""The images that a person draws on, and the types that a finding may be given."""

from __future__ import annotations

from math import inf

from inference.domain.errors import UserError
from inference.domain.placing import Images, OutlineInvalid
from inference.domain.report import Code
from inference.domain.study import InstanceHeader
from inference.intake.headers import study_header
from inference.models import Result
from inference.plugins import registry as plugins
from inference.plugins.segmentation.geometry import stack_faults, stack_of


class UnknownType(UserError):
    """The analysis has no such type of finding."""

    code = "unknown_finding_type"
    template = "This analysis has no type of finding with that name: take one of those in its description."


def images_of(result: Result, instance_id: str) -> Images | None:
    """The series with the image; None where the study was deleted. Raises `OutlineInvalid` for an image beyond it."""
    if result.job.study is None:
        return None
    for series in study_header(result.job.study).series:
        if any(one.id == instance_id for one in series.instances):
            return as_images(series.instances)
    raise OutlineInvalid(pointer="/instance")


def as_images(headers: tuple[InstanceHeader, ...]) -> Images:
    """A stack where the headers say so: parallel slices at regular places."""
    if next(stack_faults(headers, 2, inf), None):
        return Images(headers)
    stack = stack_of(headers)
    return Images(stack.headers, stack)


def types_of(result: Result) -> tuple[Code, ...]:
    """The types that the result's analysis knows; none where it is not installed any more."""
    plugin = plugins.installed().get(result.job.plugin)
    return plugin.manifest.finding_types if plugin else ()


def type_named(result: Result, slug: str) -> Code:
    """Raises `UnknownType`."""
    for code in types_of(result):
        if code.slug == slug:
            return code
    raise UnknownType(pointer="/type")
