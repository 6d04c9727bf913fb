"""What has to be done in billing again and again, by whoever sweeps. Each chore stands for itself: one that fails is
told and tried again, and keeps no other from being done."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta

import structlog
from django.db import Error

from billing import accounts, ageing, catalogue_sync, credits, cycle, inbox, reconciliation, relay
from billing.models import ProviderAccount, ReconciliationRun
from billing.providers.base import Rejected, TryAgain

log = structlog.get_logger(__name__)

MESSAGES, EVENTS = 200, 200
"""Of one round; the next is seconds away."""
BACKFILL_EVERY = timedelta(hours=1)
RECONCILED_DAYS = 3
"""Late use and late webhooks change what was compared before: some days are compared again."""
RECONCILED_AFTER = timedelta(hours=3)
"""So long after midnight (UTC) the day before is compared."""
DAY = timedelta(days=1)
PUT_OFF = timedelta(minutes=1)
"""Until what a provider refused, or does not have, is asked for again."""
_put_off: dict[str, datetime] = {}


def run(now: datetime) -> None:
    """What concerns only ourselves: periods, ageing, credits that expire. Raises only database errors."""
    for chore in (cycle.close_due, ageing.age, credits.expire_overdue):
        _try(chore, now)


def run_outside(now: datetime) -> None:
    """What concerns the providers, which may be slow: never do it where something waits. Raises only database errors.

    1. The account that the key opens is the one that it opened first, or nothing is sent.
    2. Catalogue, outbox, inbox.
    3. Hourly the events that no webhook brought; daily the reconciliation.
    """
    for chore in (_accounts, _catalogue, _relay, _inbox, _backfill, _reconcile):
        _try(chore, now)


def _try(chore: Callable[[datetime], object], now: datetime) -> None:
    if now < _put_off.get(chore.__name__, now):
        return
    try:
        chore(now)
    except Error:
        raise
    except (TryAgain, Rejected, accounts.WrongAccount) as failure:
        _put_off[chore.__name__] = now + PUT_OFF
        log.warning("billing.chore_put_off", chore=chore.__name__, reason=str(failure))
    except Exception:
        log.exception("billing.chore_failed", chore=chore.__name__)


def _accounts(now: datetime) -> None:
    accounts.note()


def _catalogue(now: datetime) -> None:
    catalogue_sync.sync_pending()


def _relay(now: datetime) -> None:
    done = relay.drain(MESSAGES)
    if done.delivered or done.retried or done.parked:
        log.info("billing.relayed", delivered=done.delivered, retried=done.retried, parked=done.parked)


def _inbox(now: datetime) -> None:
    done = inbox.process(EVENTS)
    if done.processed or done.retried or done.parked:
        log.info("billing.events", processed=done.processed, retried=done.retried, parked=done.parked)


def _backfill(now: datetime) -> None:
    due = ProviderAccount.objects.exclude(events_until__gt=now - BACKFILL_EVERY)
    if due.exists():
        inbox.backfill()


def _reconcile(now: datetime) -> None:
    """Once a day, by whoever comes first; a second run would only say the same again."""
    midnight = datetime.combine(now.astimezone(UTC).date(), time(tzinfo=UTC))
    if now < midnight + RECONCILED_AFTER:
        return
    since = midnight - RECONCILED_DAYS * DAY
    if not ReconciliationRun.objects.filter(since=since, until=midnight, provider="all").exists():
        made = reconciliation.run(since, midnight)
        if not reconciliation.fine(made):
            log.error("billing.not_reconciled", run=str(made.id), totals=made.totals, error=made.error)
