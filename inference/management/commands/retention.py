"""`manage.py retention run [--dry-run]`: deletes what is past its time, or tells what it would delete."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from inference.retention import purge


class Command(BaseCommand):
    """The sweeper does the same; by hand it goes on until nothing is due."""

    help = "Deletes what is past the time that its tenant has set."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=["run"])
        parser.add_argument("--dry-run", action="store_true", help="only tell what would be deleted")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        if options["dry_run"]:
            for one in purge.due(now):
                self.stdout.write(f"{one.kind.value} {one.public_id} since {one.since.isoformat()} by {one.rule}")
            return
        total = 0
        while deleted := purge.run(now):
            total += deleted
        self.stdout.write(f"{total} deleted")
