"""Waiting for a condition without sleeping a fixed time: polls, and fails loudly when the patience is over."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


def wait_until(condition: Callable[[], object], what: str, patience: float = 60.0) -> None:
    """Returns as soon as `condition` is true; raises `AssertionError` after `patience` seconds."""
    deadline = time.monotonic() + patience
    pause = threading.Event()
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not in {patience:.0f} s: {what}")
        pause.wait(0.05)
