"""One run: submit jobs while faults strike, heal, wait until every job has ended, ask the invariants."""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from tests.postgres import Cluster, cluster
from tests.thirdparty.installation import search_paths

ROOT = Path(__file__).resolve().parents[2]
KINDS = ["fine"] * 16 + ["refused"] * 3 + ["poison"]
FREEZE_SECONDS = 5.0
PATIENCE = 150.0
SETTINGS = {
    "ASSAY_LEASE_SECONDS": "3", "ASSAY_HEARTBEAT_SECONDS": "1", "ASSAY_SWEEP_SECONDS": "1", "ASSAY_POLL_SECONDS": "1",
    "ASSAY_RETRY_DELAY_SECONDS": "0.2", "ASSAY_MAX_ATTEMPTS": "6", "ASSAY_LOG_LEVEL": "WARNING",
    "DJANGO_SETTINGS_MODULE": "config.settings",
}  # fmt: skip


@dataclass
class Run:
    """A run's book-keeping."""

    rng: random.Random
    accepted: set[UUID] = field(default_factory=set)
    expected: dict[UUID, str] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    submitted: threading.Event = field(default_factory=threading.Event)


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
    stage = Stage(folder, environment, fenced=not options.no_fence)
    stage.set_up()
    try:
        strike_while_submitting(run, stage, options, database, customers)
        heal(stage)
        await_ends(stage)
        faults_found = violations(run.accepted, run.expected)
    finally:
        stage.end()
    report(run, options, faults_found, folder)
    return 1 if faults_found else 0


def strike_while_submitting(
    run: Run, stage: Any, options: argparse.Namespace, database: Cluster | None, customers: list[Any]
) -> None:
    submitter = threading.Thread(target=submit_all, args=(run, options.jobs, options.minutes * 60, customers))
    submitter.start()
    ends_at = time.monotonic() + options.minutes * 60
    pause = threading.Event()
    frozen: list[tuple[float, Any]] = []
    while time.monotonic() < ends_at:
        pause.wait(run.rng.uniform(0.8, 2.2))
        strike(run, stage, options, database)
        frozen = thaw(stage, frozen)
        pause.wait(0.3)
        stage.ensure()
    submitter.join()


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


def submit_all(run: Run, count: int, seconds: float, customers: list[Any]) -> None:
    """Jobs of two tenants, spread over the time in which faults strike; an accepted one is never forgotten."""
    from django.db import Error, connection

    from inference import jobs
    from tenants.context import tenant_context

    rng, pause = random.Random(run.rng.random()), threading.Event()
    for number in range(count):
        tenant, study = customers[number % 2]
        kind = rng.choice(KINDS)
        try:
            with tenant_context(tenant.id):
                job = jobs.submit(tenant, plugin_slug="chaos", study=study, params={"kind": kind})
            run.accepted.add(job.pk)
            run.expected[job.pk] = kind
        except Error as error:
            run.log.append(f"{time.monotonic():.1f} submit refused: {type(error).__name__}")
            connection.close()
        pause.wait(rng.uniform(0, 1.6) * seconds / count)
    connection.close()


def customer(name: str) -> tuple[Any, Any]:
    import numpy as np
    from PIL import Image

    from inference.intake.receive import receive
    from ops.tenancy import create_customer

    made = create_customer(name, f"owner@{name}.example", "pay-per-use")
    picture = io.BytesIO()
    Image.fromarray(np.zeros((16, 16), np.uint8)).save(picture, "PNG")
    picture.seek(0)
    return made.tenant, receive(made.tenant, [("a.png", picture)]).study


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
        "accepted": len(run.accepted),
        "states": dict(states), "run_again": again, "faults": dict(run.faults), "violations": violations[:20],
    }  # fmt: skip
    sys.stdout.write(json.dumps(told) + "\n")
    if violations and not options.no_fence:
        sys.stderr.write("\n".join(run.log) + "\n")
        for path in sorted(folder.glob("*.log")):
            sys.stderr.write(f"== {path.name}\n{path.read_text(errors='replace')[-3000:]}\n")


if __name__ == "__main__":
    sys.exit(main())
