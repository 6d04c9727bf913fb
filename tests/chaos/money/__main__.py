"""One run: workers and relays are killed, the database restarts, the provider fails; then everything is compared."""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from tests.chaos.procs import Proc
from tests.fakes.stripe import StripeServer
from tests.postgres import Cluster, cluster

ROOT = Path(__file__).resolve().parents[3]
WORKERS, RELAYS, TENANTS = 2, 2, 24
STRIPE_FAULTS = ("drop_after_effect", "drop_before_effect", "429", "500", "500_no_retry", "500_retry", "409")
SETTINGS = {
    "STRIPE_SECRET_KEY": "sk_test_chaos", "STRIPE_WEBHOOK_SECRETS": "whsec_chaos", "ASSAY_LOG_LEVEL": "ERROR",
    "DJANGO_SETTINGS_MODULE": "config.settings", "ASSAY_BILLING_PROVIDER": "stripe",
}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--pause", type=float, default=1.5, help="seconds between two faults, about")
    parser.add_argument("--careless", action="store_true", help="the control: must find that use was counted twice")
    asked = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="assay-money-")))
        database = stack.enter_context(cluster(durable=True)) if asked.database == "postgres" else None
        server = stack.enter_context(StripeServer())
        os.environ.update(SETTINGS, ASSAY_DATA_DIR=str(folder), STRIPE_API_BASE=server.url)
        os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT / "platform"), str(ROOT)])
        if database:
            os.environ["DATABASE_URL"] = database.url
        return play(asked, server, database)


def play(asked: argparse.Namespace, server: StripeServer, database: Cluster | None) -> int:
    from tests.chaos.money import comparing

    comparing.prepare(server, TENANTS)
    begun = time.monotonic()
    struck, workers, relays = strike_while_working(asked, server, database)
    worked = time.monotonic()
    for proc in workers:
        proc.signal(signal.SIGKILL)
    # what was ordered while work went on must not go on for longer than the work
    server.heal()
    drained = comparing.await_delivery(server, lambda: [relay.ensure() for relay in relays])
    for proc in relays:
        proc.signal(signal.SIGKILL)
    told = comparing.compare(server, asked.seed, asked.events, TENANTS)
    seconds = {"work": round(worked - begun, 1), "until_delivered": round(drained - begun, 1)}
    rate = round(asked.events / max(drained - begun, 0.001), 1)
    sys.stdout.write(
        json.dumps(
            {
                "seed": asked.seed, "database": asked.database, "events": asked.events, "faults": dict(struck),
                "seconds": seconds, "events_per_second": rate, **told,
            }
        )
        + "\n"
    )  # fmt: skip
    return 1 if told["violations"] else 0


def strike_while_working(
    asked: argparse.Namespace, server: StripeServer, database: Cluster | None
) -> tuple[Counter[str], list[Proc], list[Proc]]:
    """Until every worker has come to its end. What fell is put up again at once."""
    draw, struck, pause = random.Random(asked.seed), Counter[str](), threading.Event()
    workers = [process(f"worker {number}", worker_command(asked, number)) for number in range(WORKERS)]
    relays = [process(f"relay {number}", relay_command(asked)) for number in range(RELAYS)]
    next_fault = time.monotonic() + asked.pause
    done: set[str] = set()
    while len(done) < len(workers):
        for proc in [*workers, *relays]:
            if proc.handle is not None and proc.handle.poll() == 0:
                done.add(proc.name)
            elif proc.name not in done:
                proc.ensure()
        pause.wait(0.1)
        server.advance(int(time.time()))
        if time.monotonic() > next_fault:
            strike(draw, struck, server, database, [*workers, *relays])
            next_fault = time.monotonic() + draw.uniform(0.5, 1.5) * asked.pause
    return struck, workers, relays


def strike(
    draw: random.Random, struck: Counter[str], server: StripeServer, database: Cluster | None, procs: list[Proc]
) -> None:
    kinds = ["kill", "kill", "provider", "provider", *(["restart"] if database else [])]
    kind = draw.choice(kinds)
    if kind == "kill":
        chosen = draw.choice(procs)
        struck[f"kill {chosen.name.split()[0]}"] += 1
        chosen.signal(signal.SIGKILL)
    elif kind == "provider":
        fault = draw.choice(STRIPE_FAULTS)
        struck[f"provider {fault}"] += 1
        server.fault("POST /v1/billing/meter_events", fault, times=draw.randint(1, 4))
    elif database is not None:
        struck["restart database"] += 1
        database.stop("immediate")
        database.start()


def process(name: str, command: list[str]) -> Proc:
    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(command, cwd=ROOT, env=dict(os.environ), start_new_session=True)

    return Proc(name, start)


def worker_command(asked: argparse.Namespace, number: int) -> list[str]:
    facts = {"seed": asked.seed, "events": asked.events, "tenants": TENANTS, "number": number, "of": WORKERS}
    named = [f"--{name}={value}" for name, value in facts.items()]
    return [sys.executable, "-m", "tests.chaos.money.worker", *named]


def relay_command(asked: argparse.Namespace) -> list[str]:
    return [sys.executable, "-m", "tests.chaos.money.relayer", *(["--careless"] if asked.careless else [])]


if __name__ == "__main__":
    sys.exit(main())
