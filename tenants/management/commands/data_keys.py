"""`manage.py data_keys rewrap|drop`: the tenants' keys under a new master key, or one of them forgotten."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from tenants import datakeys
from tenants.context import tenant_context

ACTOR = "operator:command"


class Command(BaseCommand):
    """After `rewrap` the old master key can be taken out of the settings."""

    help = "Brings all data keys under the first master key, or drops a tenant's: what is sealed with it is lost."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=["rewrap", "drop"])
        parser.add_argument("--tenant", type=UUID, help="whose key to drop")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["action"] == "rewrap":
            self.stdout.write(f"{datakeys.rewrap(actor=ACTOR)} keys brought under the new master key")
            return
        if options["tenant"] is None:
            raise CommandError("name the tenant whose key to drop: --tenant ID")
        with tenant_context(options["tenant"]):
            dropped = datakeys.drop(options["tenant"], actor=ACTOR)
        self.stdout.write("the key is gone" if dropped else "the tenant has no key")
