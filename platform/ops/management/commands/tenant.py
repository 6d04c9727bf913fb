"""`manage.py tenant create | plan`: a new customer, or another plan for one, from the command line."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from billing.changes import When
from ops.tenancy import NewCustomer, TenantUnknown, change_plan, create_customer
from tenants.errors import UserError
from tenants.ids import UnknownId, decode, encode

LOCAL_ADDRESS = "http://127.0.0.1:8000"


class Command(BaseCommand):
    """`create` prints the ids, an API key and the address where the owner chooses a password, this once."""

    help = "Creates a tenant with its owner, its plan and an API key; puts a tenant on another plan."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        create = actions.add_parser("create", help="a new tenant")
        create.add_argument("name")
        create.add_argument("--owner", required=True, help="e-mail of the owner")
        create.add_argument("--plan", required=True, help="slug of a published plan")
        create.add_argument("--again", action="store_true", help="even if the owner has one of that name")
        create.add_argument("--currency", help="of the account, for good: usd, eur, ...; else the plan's own")
        plan = actions.add_parser("plan", help="another plan; each one's fee is due for its part of the period")
        plan.add_argument("tenant", help="id of the tenant: tnt_...")
        plan.add_argument("plan", help="slug of a published plan")
        plan.add_argument("--at-period-end", action="store_true", help="when the present period ends, not now")
        plan.add_argument("--currency", help="another one means a new subscription")
        for action in (create, plan):
            action.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            shown = self.create(**options) if options["action"] == "create" else self.plan(**options)
        except ValidationError as error:
            reasons = (f"{name}: {' '.join(texts)}" for name, texts in error.message_dict.items())
            raise CommandError("; ".join(reasons)) from error
        except UserError as error:
            raise CommandError(error.detail) from error
        if options["json"]:
            self.stdout.write(json.dumps(shown))
            return
        for name, value in shown.items():
            self.stdout.write(f"{name:<12} {value}")

    def create(
        self, *, name: str, owner: str, plan: str, again: bool, currency: str | None, **_: Any
    ) -> dict[str, str]:
        return as_json(create_customer(name, owner, plan, again=again, currency=currency))

    def plan(self, *, tenant: str, plan: str, at_period_end: bool, currency: str | None, **_: Any) -> dict[str, str]:
        when: When = "period_end" if at_period_end else "now"
        try:
            subscription = change_plan(decode("tnt", tenant), plan, when=when, currency=currency)
        except UnknownId:
            raise TenantUnknown from None
        return {"tenant": tenant, "plan": plan, "subscription": encode("sub", subscription.pk)}


def as_json(made: NewCustomer) -> dict[str, str]:
    shown = {
        "tenant": encode("tnt", made.tenant.id),
        "name": made.tenant.name,
        "owner": made.owner.email,
        "plan": made.plan,
        "api_key": made.api_key,
    }
    if made.password_path:
        shown["password_url"] = f"{settings.ASSAY_PUBLIC_BASE_URL or LOCAL_ADDRESS}{made.password_path}"
    return shown
