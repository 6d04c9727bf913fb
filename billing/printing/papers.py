"""The two ways to a PDF: a short paper in this process, a long one with pictures in a process that can be ended."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path
from threading import BoundedSemaphore

import structlog

from billing.printing.__main__ import NO_LIBRARIES
from billing.printing.errors import PrintingTooSlow, PrintingUnavailable

ROOT = Path(__file__).resolve().parents[1]
COMMAND = (sys.executable, "-P", "-m", "billing.printing")
SECONDS = 30.0
# more at a time would only make each of them slower
PRESSES = BoundedSemaphore(2)
HINT = "install pango: apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"
# no database address, no key
KEPT_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LANG", "TZ", "HOME", "SYSTEMROOT", "PYTHONPATH")

log = structlog.get_logger(__name__)


def printed(page: str) -> bytes:
    """A short page as PDF; takes tenths of a second. Raises `PrintingUnavailable` on a machine without pango."""
    try:
        # not at the top: everything but the papers runs on a machine without its libraries
        press = import_module("billing.printing.press")
    except OSError as error:
        log.exception("printing.no_press", hint=HINT)
        raise PrintingUnavailable from error
    made: bytes = press.press(page)
    return made


def printed_apart(page: str, *, seconds: float = SECONDS) -> bytes:
    """A page of any length as PDF, in a process that is ended after `seconds`, waiting for a free press included.

    The same page gives the same bytes. Raises `PrintingUnavailable` on a machine without pango or when the press
    fails, `PrintingTooSlow` after the time.
    """
    deadline = time.monotonic() + seconds
    if not PRESSES.acquire(timeout=seconds):
        raise PrintingTooSlow(seconds=int(seconds))
    try:
        done = _run(page, deadline - time.monotonic())
    except subprocess.TimeoutExpired:
        log.exception("printing.too_slow", seconds=seconds, characters=len(page))
        raise PrintingTooSlow(seconds=int(seconds)) from None
    finally:
        PRESSES.release()
    if done.returncode:
        _tell(done)
        raise PrintingUnavailable
    return done.stdout


def _run(page: str, seconds: float) -> subprocess.CompletedProcess[bytes]:
    kept = {name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ}
    path = os.pathsep.join(filter(None, (str(ROOT), kept.get("PYTHONPATH", ""))))
    # a time of day in the font that is cut down would make the same page other bytes
    environment = {**kept, "PYTHONPATH": path, "SOURCE_DATE_EPOCH": "0"}
    return subprocess.run(  # noqa: S603 our own module, no word of it from outside
        COMMAND, input=page.encode(), capture_output=True, timeout=max(seconds, 0.001), env=environment, check=False
    )


def _tell(done: subprocess.CompletedProcess[bytes]) -> None:
    """The library's own words stay out of the log where they may quote the page."""
    if done.returncode == NO_LIBRARIES:
        log.error("printing.no_press", hint=HINT, reason=done.stderr.decode(errors="replace")[-500:])
    else:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        log.error("printing.failed", status=done.returncode, kind=last.partition(":")[0][:80])
