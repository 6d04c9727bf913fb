"""The limits and the pool of this server process, by Django's settings (`ASSAY_INTAKE`)."""

from __future__ import annotations

import atexit
import threading
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings

from inference.intake.limits import Limits
from inference.intake.pool import Pool

_starting = threading.Lock()


def limits() -> Limits:
    """The caps, with what `ASSAY_INTAKE` overrides."""
    overrides: dict[str, Any] = getattr(settings, "ASSAY_INTAKE", {})
    return Limits.from_mapping(overrides)


def pool() -> Pool:
    """The pool that all threads of this process share; its children start when they are first needed."""
    with _starting:
        return _pool()


@cache
def _pool() -> Pool:
    started = Pool(limits())
    atexit.register(started.close)
    return started


def spool_directory() -> Path | None:
    """Where uploads wait while they are read; the system's choice unless Django's upload directory is set."""
    found = settings.FILE_UPLOAD_TEMP_DIR
    return Path(found) if found else None
