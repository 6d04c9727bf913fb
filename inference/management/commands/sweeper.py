"""`manage.py sweeper`: sweeps again and again until it is told to end."""

from __future__ import annotations

import signal
import threading
from argparse import ArgumentParser
from typing import Any

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import Error, connection
from django.utils import timezone

from billing import chores
from inference import sweeper

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    """Any number may run at once."""

    help = "Frees lost jobs, rings for waiting ones, expires what is overdue."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="one round, then end")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["once"]:
            self.stdout.write(str(sweeper.sweep()))
            chores.run_outside(timezone.now())
            return
        ending = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: ending.set())
        threading.Thread(target=speak_with_providers, args=(ending,), daemon=True).start()
        while not ending.wait(settings.ASSAY_SWEEP_SECONDS):
            sweep_once()


def speak_with_providers(ending: threading.Event) -> None:
    """Beside the sweeps: whoever collects may take minutes to answer, and lost jobs do not wait for that."""
    while not ending.wait(settings.ASSAY_SWEEP_SECONDS):
        try:
            chores.run_outside(timezone.now())
        except Error as error:
            log.warning("the round with the providers broke off", reason=type(error).__name__)
            connection.close()


def sweep_once() -> None:
    """One round; a database that is just restarting is no reason to end."""
    try:
        swept = sweeper.sweep()
    except Error as error:
        log.warning("the sweep broke off", reason=type(error).__name__)
        connection.close()
        return
    if swept.freed or swept.expired or swept.moved:
        log.info("swept", freed=swept.freed, expired=swept.expired, moved=swept.moved)
