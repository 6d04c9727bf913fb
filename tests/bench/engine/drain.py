"""One drain on the database of the environment: `python -m tests.bench.engine.drain SIZES`; the figures as JSON.

The product runs beside it with everything on: leases, fence, places, usage, ledger, outbox.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
PAUSE = threading.Event()
LOOK_SECONDS = 0.25


def main() -> None:
    sizes = json.loads(sys.argv[1])
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("setup", verbosity=0)
    with product(sizes["workers"]) as pid:
        found = drained(sizes, [pid, *sizes["roots"]])
    sys.stdout.write(json.dumps(found) + "\n")


@contextmanager
def product(workers: int) -> Iterator[int]:
    """`manage.py up`; its process."""
    from tests.chaos.__main__ import free_port

    command = [sys.executable, str(ROOT / "manage.py"), "up", "--port", str(free_port()), "--workers", str(workers)]
    process = subprocess.Popen(command, cwd=ROOT, env=dict(os.environ), stderr=sys.stderr, stdout=sys.stderr)
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(60)


def drained(sizes: dict[str, Any], roots: list[int]) -> dict[str, Any]:
    from tests.bench.engine import cpu, filling

    who = filling.customers()
    of = filling.patterns(who, sizes["slug"], sizes["images"])
    until_done(sizes["slug"])
    # each worker has loaded its model and met each tenant once
    filling.fill(of, sizes["warm"])
    until_done(sizes["slug"])
    rounds = []
    for _ in range(sizes["rounds"]):
        begun = time.time()
        filling.fill(of, sizes["jobs"])
        filled, filled_cpu = time.time(), cpu.seconds(roots)
        until_done(sizes["slug"])
        used = cpu.seconds(roots)
        rounds.append(told(sizes, begun, filled, {name: used[name] - filled_cpu[name] for name in used}))
    return {"rounds": rounds}


def told(sizes: dict[str, Any], begun: float, filled: float, used: dict[str, float]) -> dict[str, Any]:
    from django.db.models import Max, Min

    from inference.models import Job
    from tenants.context import operator_context

    with operator_context():
        rows = Job.objects.filter(finished_at__gte=datetime_of(begun))
        last = rows.aggregate(last=Max("finished_at"), first=Min("started_at"))
        count = rows.count()
    seconds = last["last"].timestamp() - filled
    return {
        "jobs": count, "seconds": round(seconds, 2), "jobs_per_second": round(count / seconds, 1),
        "cpu_ms_per_job": {name: round(each * 1000 / count, 3) for name, each in used.items()},
    }  # fmt: skip


def datetime_of(moment: float) -> Any:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(moment, UTC)


def until_done(slug: str) -> None:
    from tests.bench.engine import filling

    while filling.left(slug):
        PAUSE.wait(LOOK_SECONDS)


if __name__ == "__main__":
    main()
