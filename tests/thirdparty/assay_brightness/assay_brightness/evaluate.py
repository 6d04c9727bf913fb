"""Whether the analysis still answers as it should."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from inference.plugins.base import SelfTest

GOLDEN = [0.0, 0.25, 1.0]


def compare_with_golden(predict: Callable[[Sequence[float]], Sequence[float]]) -> SelfTest:
    """Brightness passes through unchanged."""
    seen = list(predict(GOLDEN))
    return SelfTest(seen == GOLDEN, f"{GOLDEN} gave {seen}")
