"""Which input is taken, judged by the headers alone."""

from __future__ import annotations

from assay_brightness.manifest import LARGEST_STUDY
from inference.domain.study import StudyHeader
from inference.plugins.base import Accepted, Refused, Validation


def judge_headers(study: StudyHeader | None) -> Validation:
    """Accept 1 to `LARGEST_STUDY` still images; otherwise say what does not fit."""
    if study is None or study.kind != "image":
        return Refused("unsupported_input", "This analysis reads PNG and JPEG images.")
    count = len(study.instances)
    if not 1 <= count <= LARGEST_STUDY:
        template = "One job takes 1 to %(limit)s images; the study has %(count)s."
        return Refused("unsupported_input", template, {"limit": LARGEST_STUDY, "count": count})
    return Accepted()
