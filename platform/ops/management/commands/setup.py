"""`manage.py setup`: what every installation has beyond its tables. Safe to run again."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from inference import registry
from tenants.context import operator_context


class Command(BaseCommand):
    """Registers the models that came with the plugins; the standard plans come with the migrations."""

    help = "Registers the models that came with the plugins; safe to run again."

    def handle(self, *args: Any, **options: Any) -> None:
        with operator_context():
            registry.sync()
        if options["verbosity"]:
            self.stdout.write("models are in place")
