"""A result beside that of an earlier study of the same patient."""

from __future__ import annotations

from inference.domain.advice import Comparison
from inference.domain.reading import Reading
from inference.models import Result


def comparison_of(result: Result, reading: Reading) -> Comparison | None:
    """The newest earlier result of the same patient by the same analysis, compared; None where there is none."""
    return None
