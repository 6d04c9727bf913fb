"""Places where a test makes the process fail: `ASSAY_FAILPOINTS=after_model:kill:0.2,...`. Never in production."""

from __future__ import annotations

import os
import random
import signal
from functools import cache

from django.conf import settings


@cache
def _chances() -> dict[str, float]:
    text = os.environ.get("ASSAY_FAILPOINTS", "")
    if settings.ASSAY_PRODUCTION or not text:
        return {}
    found = (part.split(":") for part in text.split(","))
    return {name: float(chance) for name, action, chance in found if action == "kill"}


def failpoint(name: str) -> None:
    """End the process as `kill -9` would, with the chance that was set for this place."""
    chance = _chances().get(name, 0.0)
    if chance and random.random() < chance:  # noqa: S311 a dice of tests
        os.kill(os.getpid(), signal.SIGKILL)
