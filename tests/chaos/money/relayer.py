"""One relay, again and again, until it is killed. With `--careless` the control: each attempt is a new event."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.db import Error, connection  # noqa: E402

from billing import claims, relay  # noqa: E402
from billing.providers.stripe import usage  # noqa: E402


def main() -> None:
    # a killed relay's messages are free again soon: there are many kills
    claims.LEASE = timedelta(seconds=5)
    if "--careless" in sys.argv:
        forget_identifiers()
    while True:
        try:
            done = relay.drain(500)
            if not (done.delivered or done.retried):
                time.sleep(0.1)
        except Error as error:
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
            connection.close()
            time.sleep(0.2)


def forget_identifiers() -> None:
    report = usage.report
    usage.report = lambda client, order: report(client, replace(order, identifier=f"ue_{uuid4().hex}"))


if __name__ == "__main__":
    main()
