"""From the figures to the report that the customer reads."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from inference.domain.report import Report


def build_report(brightness: Sequence[float]) -> Report:
    """The mean over all images, and the extremes."""
    measures = {
        "mean_brightness": fmean(brightness),
        "darkest_image": min(brightness),
        "brightest_image": max(brightness),
    }
    return Report(status="predictions", measures=measures)
