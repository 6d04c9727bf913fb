"""One run: submit jobs while faults strike, heal, wait until every job has ended, ask the invariants."""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import signal
import socket
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db.models import Count

from tests.chaos.submitter import Customer, Submitted, Submitter
from tests.postgres import Cluster, cluster
from tests.thirdparty.installation import search_paths

ROOT = Path(__file__).resolve().parents[2]
FREEZE_SECONDS = 8.0
PATIENCE = 150.0
SETTINGS = {
    "ASSAY_LEASE_SECONDS": "3", "ASSAY_HEARTBEAT_SECONDS": "1", "ASSAY_SWEEP_SECONDS": "1", "ASSAY_POLL_SECONDS": "1",
    "ASSAY_RETRY_DELAY_SECONDS": "0.2", "ASSAY_MAX_ATTEMPTS": "6", "ASSAY_IDEMPOTENCY_SECONDS": "2",
    "ASSAY_LOG_LEVEL": "WARNING",
    "DJANGO_SETTINGS_MODULE": "config.settings",
}  # fmt: skip


@dataclass
class Run:
    """A run's book-keeping."""

    rng: random.Random
    submitted: Submitted = field(default_factory=Submitted)
    log: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--jobs", type=int, default=100)
    parser.add_argument("--minutes", type=float, default=0.6, help="how long jobs come and faults strike")
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--only", help="one kind of fault")
    parser.add_argument("--no-fence", action="store_true", help="the control, on PostgreSQL: must find a violation")
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="assay-chaos-")))
        database = stack.enter_context(cluster(durable=True)) if options.database == "postgres" else None
        environment = prepare(folder, database)
        return play(options, folder, environment, database)


def prepare(folder: Path, database: Cluster | None) -> dict[str, str]:
    """This process and its children share settings, database and plugin."""
    found = search_paths(Path(__file__).parent / "plugin", folder / "metadata")
    roots = [*found, str(ROOT / "platform"), str(ROOT)]
    os.environ.update(SETTINGS, ASSAY_DATA_DIR=str(folder), PYTHONPATH=os.pathsep.join(roots))
    if database:
        os.environ["DATABASE_URL"] = database.url
    sys.path[:0] = roots
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("setup", verbosity=0)
    return dict(os.environ)


def play(options: argparse.Namespace, folder: Path, environment: dict[str, str], database: Cluster | None) -> int:
    from tests.chaos.invariants import violations
    from tests.chaos.procs import Stage

    run = Run(random.Random(options.seed))
    customers = [customer(name) for name in ("one", "two")]
    if options.no_fence:
        drop_last_resort()
    stage = Stage(folder, environment, free_port(), fenced=not options.no_fence)
    stage.set_up()
    try:
        strike_while_submitting(run, stage, options, database, customers)
        heal(stage)
        if not (options.no_fence and was_doubled()):
            await_ends(stage)
        faults_found = violations(run.submitted)
    finally:
        stage.end()
    report(run, options, faults_found, folder)
    return 1 if faults_found else 0


def strike_while_submitting(
    run: Run, stage: Any, options: argparse.Namespace, database: Cluster | None, customers: list[Customer]
) -> None:
    submitter = Submitter(f"http://127.0.0.1:{stage.port}", random.Random(run.rng.random()), customers)
    run.submitted = submitter.submitted
    submitting = threading.Thread(target=submitter.run, args=(options.jobs, options.minutes * 60))
    submitting.start()
    ends_at = time.monotonic() + options.minutes * 60
    pause = threading.Event()
    frozen: list[tuple[float, Any]] = []
    while time.monotonic() < ends_at and not (options.no_fence and was_doubled()):
        pause.wait(run.rng.uniform(0.8, 2.2))
        strike(run, stage, options, database)
        frozen = thaw(stage, frozen)
        pause.wait(0.3)
        stage.ensure()
    if options.no_fence:
        submitter.ending.set()
    while submitting.is_alive():
        stage.ensure()
        submitting.join(0.3)


def was_doubled() -> bool:
    """Whether the control has shown what it is there for."""
    from inference.models import Result
    from tenants.context import operator_context

    with operator_context():
        return Result.objects.values("job_id").annotate(results=Count("pk")).filter(results__gt=1).exists()


def strike(run: Run, stage: Any, options: argparse.Namespace, database: Cluster | None) -> None:
    from tests.chaos.faults import FAULTS, draw

    name = draw(run.rng, options.only, database is not None)
    run.faults[name] += 1
    run.log.append(f"{time.monotonic():.1f} {name}")
    FAULTS[name](stage, run.rng, database)


def thaw(stage: Any, frozen: list[tuple[float, Any]]) -> list[tuple[float, Any]]:
    """A frozen worker comes back when its lease has surely run out."""
    known = {id(proc) for _, proc in frozen}
    now = time.monotonic()
    frozen = frozen + [(now, proc) for proc in stage.workers() if proc.frozen and id(proc) not in known]
    for since, proc in frozen:
        if now - since > FREEZE_SECONDS:
            proc.signal(signal.SIGCONT)
    return [(since, proc) for since, proc in frozen if now - since <= FREEZE_SECONDS]


def customer(name: str) -> Customer:
    import numpy as np
    from PIL import Image

    from inference.intake.receive import receive
    from ops.tenancy import create_customer
    from tenants.ids import encode

    made = create_customer(name, f"owner@{name}.example", "pay-per-use")
    picture = io.BytesIO()
    Image.fromarray(np.zeros((16, 16), np.uint8)).save(picture, "PNG")
    picture.seek(0)
    study = receive(made.tenant, [("a.png", picture)]).study
    return Customer(made.api_key, encode("std", study.pk))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def drop_last_resort() -> None:
    """Even without the fence the database refuses a second result: the control takes that guard away as well."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint WHERE conrelid = 'inference_result'::regclass AND contype = 'u'"
            " AND pg_get_constraintdef(oid) = 'UNIQUE (job_id)'"
        )
        for (name,) in cursor.fetchall():
            cursor.execute(f'ALTER TABLE inference_result DROP CONSTRAINT "{name}"')


def heal(stage: Any) -> None:
    for proc in stage.procs.values():
        proc.signal(signal.SIGCONT)
    stage.ensure()


def await_ends(stage: Any) -> None:
    """Until no job is under way, or the patience is over: what is then left is a violation."""
    from django.db import Error, connection

    from inference.domain.states import ACTIVE
    from inference.models import Job
    from tenants.context import operator_context

    ends_at, pause = time.monotonic() + PATIENCE, threading.Event()
    while time.monotonic() < ends_at:
        try:
            with operator_context():
                if not Job.objects.filter(state__in=ACTIVE).exists():
                    # one more look after a lease has run out: a stale worker may still be about to write
                    pause.wait(4)
                    return
        except Error:
            connection.close()
        stage.ensure()
        pause.wait(0.5)


def report(run: Run, options: argparse.Namespace, violations: list[str], folder: Path) -> None:
    from inference.models import Job
    from tenants.context import operator_context

    with operator_context():
        states = Counter(Job.objects.values_list("state", flat=True))
        again = Job.objects.filter(attempt__gt=1).count()
    told = {
        "seed": options.seed, "database": options.database, "fence": not options.no_fence,
        "accepted": len(run.submitted.accepted), "asked_again": run.submitted.asked_again,
        "unanswered": run.submitted.unanswered, "states": dict(states), "run_again": again,
        "faults": dict(run.faults), "violations": violations[:20],
    }  # fmt: skip
    sys.stdout.write(json.dumps(told) + "\n")
    if violations and not options.no_fence:
        sys.stderr.write("\n".join(run.log) + "\n")
        for path in sorted(folder.glob("*.log")):
            sys.stderr.write(f"== {path.name}\n{path.read_text(errors='replace')[-3000:]}\n")


if __name__ == "__main__":
    sys.exit(main())
