"""`/healthz`: the process answers. `/readyz`: what it rests on answers too."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta

import redis
from django.conf import settings
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from inference.models import WorkerHeartbeat

LEAST_FREE_BYTES = 500_000_000
PATIENCE_SECONDS = 1.0


class HealthMiddleware:
    """Answers probes, which come from this machine or an orchestrator, by address and without TLS."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        probe = PROBES.get(request.path)
        return probe(request) if probe else self.get_response(request)


def healthz(request: HttpRequest) -> JsonResponse:
    """Always 200 while the process serves."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    """503 while something that work needs is missing; each check by its name."""
    found = {name: check() for name, check in CHECKS.items()}
    ready = all(found.values())
    body = {"status": "ready" if ready else "not ready", "checks": found}
    return JsonResponse(body, status=200 if ready else 503, headers={} if ready else {"Retry-After": "2"})


def database() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return False
    return True


def broker() -> bool:
    client = redis.Redis.from_url(
        settings.ASSAY_REDIS_URL, socket_timeout=PATIENCE_SECONDS, socket_connect_timeout=PATIENCE_SECONDS
    )
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


def worker() -> bool:
    """A worker said lately that it lives."""
    silence = timedelta(seconds=max(60, 6 * settings.ASSAY_POLL_SECONDS))
    try:
        return WorkerHeartbeat.objects.filter(seen_at__gt=timezone.now() - silence).exists()
    except Error:
        return False


def disk() -> bool:
    return shutil.disk_usage(settings.ASSAY_DATA_DIR).free > LEAST_FREE_BYTES


CHECKS: dict[str, Callable[[], bool]] = {"database": database, "broker": broker, "worker": worker, "disk": disk}

PROBES: dict[str, Callable[[HttpRequest], JsonResponse]] = {"/healthz": healthz, "/readyz": readyz}
