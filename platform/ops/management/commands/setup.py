"""`manage.py setup`: what every installation has: plans, the shipped models. Safe to run again."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from billing import catalogue
from inference import registry
from tenants.context import operator_context


class Command(BaseCommand):
    """Seeds the plans and registers the models that came with the plugins."""

    help = "Puts in the plans and models that every installation starts with; safe to run again."

    def handle(self, *args: Any, **options: Any) -> None:
        with operator_context():
            catalogue.seed()
            registry.sync()
        if options["verbosity"]:
            self.stdout.write("plans and models are in place")
