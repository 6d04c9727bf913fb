"""`manage.py audit verify`: walks the hash chains of the audit log."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from tenants import audit


class Command(BaseCommand):
    """Exit status 0 when every chain is whole, 1 when one is broken."""

    help = "Checks that the audit log is whole: no event missing, altered or out of line."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=["verify"])
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        faults = audit.verify()
        if options["json"]:
            self.stdout.write(json.dumps({"whole": not faults, "faults": [_as_json(fault) for fault in faults]}))
        for fault in faults:
            chain = f"tenant {fault.tenant_id}" if fault.tenant_id else "the operator"
            self.stderr.write(f"the chain of {chain} is broken at event {fault.sequence}: {fault.reason}")
        if faults:
            sys.exit(1)
        if not options["json"]:
            self.stdout.write("the audit log is whole")


def _as_json(fault: audit.BrokenLink) -> dict[str, object]:
    return {"tenant": str(fault.tenant_id or ""), "sequence": fault.sequence, "reason": fault.reason}
