"""A worker whose fence was taken out: the control of the chaos run, which must then find a violation."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import django


def any_attempt(leases: Iterable[Any]) -> Any:
    """What the fence would be if it forgot the attempt and the state."""
    from django.db.models import Q

    return Q(pk__in=[lease.job_id for lease in leases])


def main() -> None:
    django.setup()
    from celery.__main__ import main as celery

    from inference import outcomes
    from inference.engine import lease

    outcomes.held = lease.held = any_attempt
    sys.argv[1:] = [
        "--app",
        "config.celery",
        "worker",
        "--pool",
        "prefork",
        "--concurrency",
        "1",
        "--loglevel",
        "ERROR",
    ]
    sys.exit(celery())


if __name__ == "__main__":
    main()
