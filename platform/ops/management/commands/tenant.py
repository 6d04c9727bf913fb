"""`manage.py tenant create`: a new customer from the command line."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from ops.tenancy import NewCustomer, create_customer
from tenants.errors import UserError
from tenants.ids import encode


class Command(BaseCommand):
    """Prints the ids and an API key, which is shown this once."""

    help = "Creates a tenant with its owner, its plan and an API key."

    def add_arguments(self, parser: ArgumentParser) -> None:
        create = parser.add_subparsers(dest="action", required=True).add_parser("create")
        create.add_argument("name")
        create.add_argument("--owner", required=True, help="e-mail of the owner")
        create.add_argument("--plan", required=True, help="slug of a published plan")
        create.add_argument("--again", action="store_true", help="even if the owner has one of that name")
        create.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            made = create_customer(options["name"], options["owner"], options["plan"], again=options["again"])
        except ValidationError as error:
            raise CommandError(
                "; ".join(f"{name}: {' '.join(texts)}" for name, texts in error.message_dict.items())
            ) from error
        except UserError as error:
            raise CommandError(error.detail) from error
        shown = as_json(made)
        if options["json"]:
            self.stdout.write(json.dumps(shown))
            return
        for name, value in shown.items():
            self.stdout.write(f"{name:<10} {value}")
        self.stdout.write("The key is not shown again.")


def as_json(made: NewCustomer) -> dict[str, str]:
    return {
        "tenant": encode("tnt", made.tenant.id),
        "name": made.tenant.name,
        "owner": made.owner.email,
        "plan": made.plan,
        "api_key": made.api_key,
    }
