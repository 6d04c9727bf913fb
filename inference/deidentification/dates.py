"""Dates of DICOM moved by whole days; times of day stay."""

from __future__ import annotations

import re
from datetime import date, timedelta

DATE = re.compile(r"(\d{4})\.?(\d{2})\.?(\d{2})")
TIME = re.compile(r"\d{2}(:?\d{2}(:?\d{2}(\.\d{1,6})?)?)?")
DATE_TIME = re.compile(r"(\d{8})((\d{2}){0,3}(\.\d{1,6})?([+-]\d{4})?)")


def moved(text: str, vr: str, days: int) -> str | None:
    """`text` of VR DA, DT or TM, `days` earlier; None where it is no whole date, and so can not be moved."""
    stripped = text.strip()
    if vr == "TM":
        return stripped if TIME.fullmatch(stripped) else None
    if vr == "DA":
        return moved_date(stripped, days)
    found = DATE_TIME.fullmatch(stripped)
    moved_day = moved_date(found[1], days) if found else None
    return f"{moved_day}{found[2]}" if found and moved_day else None


def moved_date(text: str, days: int) -> str | None:
    """`YYYYMMDD`, `days` earlier."""
    found = DATE.fullmatch(text)
    if found is None:
        return None
    try:
        earlier = date(int(found[1]), int(found[2]), int(found[3])) - timedelta(days=days)
    except (ValueError, OverflowError):
        return None
    return earlier.strftime("%Y%m%d").rjust(8, "0")
