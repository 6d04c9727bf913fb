"""`manage.py worker`: a Celery worker with the settings that this engine needs."""

from __future__ import annotations

import os
import socket
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

SOFT_SHUTDOWN_SECONDS = 15


class Command(BaseCommand):
    """One child process that holds the model; run one worker per core or per GPU."""

    help = "Runs one worker: a Celery parent without TensorFlow, and one child with the model."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        name = f"{options['name'] or 'worker'}@{socket.gethostname()}"
        os.environ.update(
            # SIGTERM asks the job in hand to end, then hands the rest back
            REMAP_SIGTERM="SIGQUIT",
            ASSAY_WORKER=name,
            TF_NUM_INTRAOP_THREADS=str(settings.ASSAY_TENSORFLOW_THREADS),
            TF_NUM_INTEROP_THREADS=str(settings.ASSAY_TENSORFLOW_THREADS),
            TF_CPP_MIN_LOG_LEVEL="2",
        )
        # replaced, not started below: signals of a supervisor reach Celery itself
        os.execv(sys.executable, command(name))  # noqa: S606


def command(name: str) -> list[str]:
    return [
        sys.executable, "-m", "celery", "--app", "config.celery", "worker", "--pool", "prefork", "--concurrency", "1",
        "--hostname", name, "--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING",
    ]  # fmt: skip
