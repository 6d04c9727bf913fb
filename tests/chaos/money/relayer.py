"""One relay, again and again, until it is killed. With `--careless` the control: each attempt is a new event."""

from __future__ import annotations

import os
import random
import sys
import time
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import django
from stripe import StripeClient

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.db import Error, connection  # noqa: E402

from billing import claims, relay  # noqa: E402
from billing.providers.base import TryAgain, UsageOutcome  # noqa: E402
from billing.providers.orders import UsageOrder  # noqa: E402
from billing.providers.stripe import usage  # noqa: E402

LOST = 0.1


def main() -> None:
    # a killed relay's messages are free again soon: there are many kills
    claims.LEASE = timedelta(seconds=5)
    lose_answers(with_identifiers="--careless" not in sys.argv)
    while True:
        try:
            done = relay.drain(500)
            if not (done.delivered or done.retried):
                time.sleep(0.1)
        except Error as error:
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
            connection.close()
            time.sleep(0.2)


def lose_answers(*, with_identifiers: bool) -> None:
    """One report in ten arrives and its answer does not. Without its identifier the next attempt is a new event."""
    report = usage.report

    def unlucky(client: StripeClient, order: UsageOrder) -> UsageOutcome:
        sent = order if with_identifiers else replace(order, identifier=f"ue_{uuid4().hex}")
        outcome = report(client, sent)
        if random.random() < LOST:
            raise TryAgain("the answer was lost", ambiguous=True)
        return outcome

    usage.report = unlucky


if __name__ == "__main__":
    main()
