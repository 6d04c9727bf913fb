"""Which input is taken: first by the headers, then by the pixels. Pure; no TensorFlow."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inference.domain.errors import UnsupportedInput
from inference.domain.study import InstanceHeader, StudyHeader
from inference.plugins.base import Accepted, Refused, Validation
from inference.plugins.digits.manifest import LARGEST_STUDY

SHORTEST_SIDE = 8
LARGEST_ASPECT = 4.0
# figures of contrast are shares of the full range of the image
LEAST_CONTRAST = 0.1
ROUGHEST_BACKGROUND = 0.12
# the fattest of 5,000 MNIST digits inks 82 % of its own box; a slim one may fill it, as a plain stroke does
LARGEST_INK_SHARE = 0.85
SLIM = 0.5
# the widest of them is twice as wide as high; two digits side by side are wider
WIDEST_INK = 2.2


def judge_headers(study: StudyHeader | None) -> Validation:
    """Accept a study of 1 to `LARGEST_STUDY` plain images; otherwise say what does not fit."""
    if study is None or study.kind != "image":
        return Refused("unsupported_input", "This analysis reads PNG and JPEG images, one digit on each.")
    if not 1 <= len(study.instances) <= LARGEST_STUDY:
        template = "One job takes 1 to %(limit)s images; the study has %(count)s."
        return Refused("unsupported_input", template, {"limit": LARGEST_STUDY, "count": len(study.instances)})
    judged = (judge_header(number, header) for number, header in enumerate(study.instances, start=1))
    return next((verdict for verdict in judged if isinstance(verdict, Refused)), Accepted())


def judge_header(number: int, header: InstanceHeader) -> Validation:
    """Judge one image, the `number`-th of its study counted from 1."""
    short, long = sorted((header.rows, header.columns))
    size = {"number": number, "columns": header.columns, "rows": header.rows}
    if short < SHORTEST_SIDE:
        return Refused("unsupported_input", "Image %(number)s is too small: %(columns)s x %(rows)s pixels.", size)
    if long > LARGEST_ASPECT * short:
        template = "Image %(number)s is a strip of %(columns)s x %(rows)s pixels; a single digit fits a squarer field."
        return Refused("unsupported_input", template, size)
    if header.frames != 1:
        return Refused("unsupported_input", "Image %(number)s has several frames.", size)
    return Accepted()


def refuse_blank(contrast: float, number: int) -> None:
    """Raises `UnsupportedInput` where darkest and brightest differ by less than `LEAST_CONTRAST` of the range."""
    if contrast < LEAST_CONTRAST:
        raise UnsupportedInput("Image %(number)s is blank.", number=number)


def refuse_busy_background(border: NDArray[np.float32], number: int) -> None:
    """`border` holds the outermost pixels, as shares of the range. Raises `UnsupportedInput` where they vary.

    The middle half is judged, so that a stroke which touches the edge does not spoil a plain background.
    """
    low, high = np.percentile(border, [25, 75])
    if high - low > ROUGHEST_BACKGROUND:
        raise UnsupportedInput("Image %(number)s has no plain background: is it a photograph?", number=number)


def refuse_odd_ink(ink: NDArray[np.bool_], number: int) -> None:
    """`ink` is the mask of the strokes, cut to their box. Raises `UnsupportedInput` for what is no single digit."""
    rows, columns = ink.shape
    if columns > WIDEST_INK * rows:
        raise UnsupportedInput("Image %(number)s shows more than one digit, or none.", number=number)
    if columns > SLIM * rows and ink.mean() > LARGEST_INK_SHARE:
        raise UnsupportedInput("Image %(number)s shows an area, not the strokes of a digit.", number=number)
