"""Key images as a page carries them, with what stands below each."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from inference.reporting import figures
from inference.reporting.drawing import as_jpeg
from inference.reporting.key_images import KeyImage


@dataclass(frozen=True, slots=True)
class PictureRow:
    """A picture with its pixels inside, and its caption."""

    source: str
    caption: str


def picture_rows(images: Sequence[KeyImage]) -> tuple[PictureRow, ...]:
    return tuple(picture_row(number, image) for number, image in enumerate(images, start=1))


def picture_row(number: int, image: KeyImage) -> PictureRow:
    encoded = b64encode(as_jpeg(image.values)).decode()
    return PictureRow(f"data:image/jpeg;base64,{encoded}", caption_of(number, image))


def caption_of(number: int, image: KeyImage) -> str:
    """Which image it is, which findings it shows, and how its greys were set."""
    shot = image.shot
    parts = [_("Figure %(number)s") % {"number": number}]
    if place := figures.order(shot.number, shot.count, shot.is_stack):
        parts.append(place)
    if image.findings:
        parts.append(_("findings %(numbers)s") % {"numbers": ", ".join(map(str, image.findings))})
    if image.window:
        center, width = (figures.number(part, 0) for part in image.window)
        parts.append(_("window %(center)s / %(width)s") % {"center": center, "width": width})
    return " · ".join(parts)
