"""Celery carries wake-ups only: one may be lost, doubled or late without harm, since the database is the truth."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


def broker_url(redis_url: str) -> str:
    """Kombu names a Redis on a Unix socket differently from redis-py."""
    return redis_url.replace("unix://", "redis+socket://", 1)


BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {
    "socket_timeout": 5,
    "socket_connect_timeout": 1,
    "socket_keepalive": True,
    "health_check_interval": 10,
    "visibility_timeout": 300,
}

app = Celery("assay", broker=broker_url(settings.ASSAY_REDIS_URL))
app.conf.update(
    task_serializer="json",
    accept_content=["json"],
    # acknowledged early and never retried: the sweeper is the retry, the database the queue
    task_acks_late=False,
    task_ignore_result=True,
    task_publish_retry_policy={"max_retries": 1, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.2},
    worker_prefetch_multiplier=1,
    # a child that imports TensorFlow needs longer than the default of 4 s, else it is killed for ever
    worker_proc_alive_timeout=180,
    worker_soft_shutdown_timeout=30,
    worker_enable_remote_control=False,
    worker_hijack_root_logger=False,
    worker_send_task_events=False,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_connection_timeout=1,
    broker_pool_acquire_timeout=2,
    broker_transport_options=BROKER_TRANSPORT_OPTIONS,
)
app.autodiscover_tasks()
