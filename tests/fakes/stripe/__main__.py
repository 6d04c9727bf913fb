"""`python -m tests.fakes.stripe --port N --webhook URL --secret whsec_...`: the fake by itself, in real time."""

from __future__ import annotations

import argparse
import signal
import sys
from contextlib import suppress
from pathlib import Path

from tests.fakes.stripe import keeping
from tests.fakes.stripe.server import StripeServer

REPORTS = ("v1.billing.meter.error_report_triggered", "v1.billing.meter.no_meter_found")
"""The thin events; all others are sent whole."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fakes.stripe", description="A fake of Stripe for a person.")
    parser.add_argument("--port", type=int, default=0, help="of 127.0.0.1; 0 takes a free one, which is printed")
    parser.add_argument("--webhook", help="address that gets all events, snapshots and thin ones")
    parser.add_argument("--secret", help="what webhooks are signed with")
    parser.add_argument("--state", type=Path, help="a file that is read at the beginning and written at the end")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    if bool(options.webhook) != bool(options.secret):
        print("--webhook and --secret go together", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with StripeServer(options.port) as server, keeping.kept(server.state, options.state), suppress(KeyboardInterrupt):
        if options.webhook:
            server.webhook(options.webhook, options.secret)
            server.webhook(options.webhook, options.secret, events=REPORTS, thin=True)
        print(server.url, flush=True)
        server.follow_real_time()
    return 0


if __name__ == "__main__":
    sys.exit(main())
