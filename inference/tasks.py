"""What Celery runs: the doorbell. The work itself is in `engine`, the queue in the database."""

from __future__ import annotations

import os
import socket
import threading
from typing import Any

import structlog
from celery import shared_task
from celery.signals import worker_process_init
from django.conf import settings
from django.db import Error, close_old_connections, connection
from django.utils import timezone

from inference import wakeup
from inference.domain.errors import InternalError
from inference.engine.conveyor import Conveyor
from inference.engine.lease import Keeper
from inference.models import Job, JobState, WorkerHeartbeat
from tenants.context import operator_context

LONGEST_TURN_SECONDS = 30.0

log = structlog.get_logger(__name__)
_serving = threading.Lock()


def worker_name() -> str:
    """One name per process: a restarted process is another worker."""
    return f"{os.environ.get('ASSAY_WORKER', socket.gethostname())}-{os.getpid()}"


def note_heartbeat() -> None:
    """Tell that this worker lives, however long its batch takes."""
    WorkerHeartbeat.objects.update_or_create(worker=worker_name(), defaults={"seen_at": timezone.now()})


keeper = Keeper(note_heartbeat)
conveyor = Conveyor(keeper, worker_name)


@shared_task(name=wakeup.TASK, ignore_result=True)
def wake(bucket: str) -> None:
    """Serve a bucket until it is empty, or hand the bell on after a while so that other buckets get their turn."""
    wakeup.answer(bucket)
    if not drain(bucket):
        wakeup.ring(bucket)


def drain(bucket: str) -> bool:
    """Run batches of a bucket; whether it was left empty."""
    with _serving:
        close_old_connections()
        try:
            return conveyor.run(bucket, LONGEST_TURN_SECONDS)
        except InternalError as error:
            log.error("a bucket can not be served", bucket=bucket, reason=str(error))
        except Error as error:
            # the sweeper frees what was in hand
            log.warning("the database broke off", bucket=bucket, reason=type(error).__name__)
            connection.close()
        except Exception as error:
            # a model that can not be loaded: its jobs wait for a worker or an operator, the other buckets do not
            log.error("a bucket broke its worker off", bucket=bucket, exc_info=error)
    return True


def waiting_buckets() -> list[str]:
    """Buckets that have queued jobs."""
    with operator_context():
        return list(Job.objects.filter(state=JobState.QUEUED).values_list("bucket", flat=True).distinct().order_by())


def poll() -> None:
    """One look at the database without a bell: Redis may be gone, the jobs are not."""
    for bucket in waiting_buckets():
        drain(bucket)


def _poll_until(ending: threading.Event) -> None:
    while True:
        try:
            poll()
        except Exception as error:
            # most of all a database that is restarting: this is the way that needs no Redis, and it must go on
            log.warning("the database can not be polled", reason=type(error).__name__)
            connection.close()
        if ending.wait(settings.ASSAY_POLL_SECONDS):
            return


@worker_process_init.connect
def start_threads(**_: Any) -> None:
    """In the child that will load the model: keep leases alive, and look for work without being asked."""
    keeper.start()
    threading.Thread(target=_poll_until, args=[threading.Event()], name="poller", daemon=True).start()
