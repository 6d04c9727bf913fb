"""One part on the database of the environment: `python -m tests.bench.money PART SIZES`; the figures as JSON."""

from __future__ import annotations

import json
import os
import sys
from contextlib import ExitStack

from tests.fakes.stripe import StripeServer

WITH_STRIPE = {"events"}


def main() -> None:
    part, sizes = sys.argv[1], json.loads(sys.argv[2])
    with ExitStack() as stack:
        if part in WITH_STRIPE:
            server = stack.enter_context(StripeServer())
            os.environ.update(
                STRIPE_SECRET_KEY="sk_test_bench", STRIPE_WEBHOOK_SECRETS="whsec_bench", STRIPE_API_BASE=server.url
            )
        else:
            server = None
        found = measured(part, sizes, server)
    sys.stdout.write(json.dumps(found) + "\n")


def measured(part: str, sizes: dict[str, object], server: StripeServer | None) -> object:
    import django

    django.setup()
    from django.core.management import call_command

    # what it says is not a figure
    call_command("migrate", verbosity=0, stdout=sys.stderr)
    call_command("setup", verbosity=0, stdout=sys.stderr)
    from tests.bench.money import bulk, events, growth, submit

    parts = {
        "events": lambda: events.per_second(sizes, server),
        "submit": lambda: submit.ratios(sizes),
        "page": lambda: submit.page(sizes),
        "reconcile": lambda: bulk.reconcile(sizes),
        "close": lambda: bulk.close(sizes),
        "growth-one": lambda: growth.grow(sizes, tenants=1),
        "growth-many": lambda: growth.grow(sizes, tenants=50),
    }
    return parts[part]()


if __name__ == "__main__":
    main()
