"""Structured logs: one line an event, with `request_id` and `job_id` bound from the context. Never patient data."""

from __future__ import annotations

import logging
import sys
from typing import Literal

import structlog

SHARED: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
QUOTING = frozenset({"pydicom", "highdicom"})


def not_a_probe(record: logging.LogRecord) -> bool:
    """A product that is still starting answers its probes with 503: that is no error to log."""
    return "/readyz" not in record.getMessage()


def not_a_quotation(record: logging.LogRecord) -> bool:
    """A library's warning quotes the value that it finds odd, and pydicom sets its own level when it is imported."""
    return record.levelno >= logging.ERROR or record.name.partition(".")[0] not in QUOTING


def configure_logging(level: str, form: Literal["console", "json"]) -> None:
    """Send structlog's and the standard library's records through the same renderer, to standard error."""
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    exceptions = [structlog.processors.format_exc_info] if form == "json" else []
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=SHARED,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *exceptions, renderer],
        )
    )
    handler.addFilter(not_a_probe)
    handler.addFilter(not_a_quotation)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("httpx", "pydicom", "PIL", "django.request", "highdicom", "weasyprint", "fontTools"):
        logging.getLogger(noisy).setLevel("ERROR")
    structlog.configure(
        processors=[*SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
