"""How a report writes numbers, sizes, places and times, in the language that is active."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from inference.domain.report import Site, Size

SIDES = {"R": gettext_noop("right side"), "L": gettext_noop("left side"), "B": gettext_noop("both sides")}
SOURCES = {
    "PixelSpacing": gettext_noop("Pixel Spacing (0028,0030)"),
    "ImagerPixelSpacing": gettext_noop("Imager Pixel Spacing (0018,1164), at the detector"),
    "user": gettext_noop("given by the customer"),
    "none": gettext_noop("not known: sizes are in pixels"),
}


def number(value: float, places: int = 1) -> str:
    """A number by the habit of the language."""
    return number_format(round(value, places), decimal_pos=places)


def axes(size: Size) -> str:
    """Long by short axis: `9.9 × 7.7 mm`, in pixels where the spacing is not known."""
    if size.long_axis_mm is not None and size.short_axis_mm is not None:
        return f"{number(size.long_axis_mm)} × {number(size.short_axis_mm)} mm"
    return f"{number(size.long_axis_px, 0)} × {number(size.short_axis_px, 0)} px"


def extents(size: Size) -> tuple[str, ...]:
    """Area and volume, as far as they are known."""
    area = [] if size.area_mm2 is None else [f"{number(size.area_mm2)} mm²"]
    volume = [] if size.volume_mm3 is None else [f"{number(size.volume_mm3, 0)} mm³"]
    return (*area, *volume)


def site(place: Site | None) -> str:
    """The part of the body with its side, said once."""
    if place is None:
        return _("site not known")
    name = _(place.display) if place.display else place.code
    if place.laterality not in SIDES or place.display.startswith(("Right", "Left")):
        return name
    return _("%(site)s, %(side)s") % {"site": name, "side": _(SIDES[place.laterality])}


def position(values: Sequence[float], unit: str) -> str:
    """Coordinates: `12.3, -4.5, 60.0 mm`."""
    return f"{', '.join(number(value) for value in values)} {unit}"


def signed_percent(value: float) -> str:
    """`+25 %`, by whole numbers."""
    sign = "+" if value > 0 else "−" if value < 0 else "±"
    return f"{sign}{number(abs(value), 0)} %"


def moment(value: datetime) -> str:
    """A time in UTC."""
    return f"{date_format(value.astimezone(UTC), 'DATETIME_FORMAT')} UTC"


def day(value: datetime) -> str:
    return date_format(value.astimezone(UTC), "DATE_FORMAT")


def order(place: int, count: int, is_stack: bool) -> str:
    """Which image of a series it is; nothing where there is only one."""
    if count < 2:
        return ""
    template = _("slice %(number)s of %(count)s") if is_stack else _("image %(number)s of %(count)s")
    return template % {"number": place, "count": count}


def days(count: int) -> str:
    return _("1 day") if count == 1 else _("%(number)s days") % {"number": number(count, 0)}
