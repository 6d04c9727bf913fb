"""The relay: brings the outbox's messages to whoever collects.

Runs of messages are claimed for a time, sent outside of any transaction, and their outcomes are written if the claim
still stands. Messages of one serial go one at a time and in order, several serials go at once. Before an attempt it is
noted that the message may arrive, so that a relay that is killed at any point leaves the truth behind: nothing is lost,
and nothing is sent blindly again.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import F

from billing import claims, clock, outbox_heads, providers
from billing.claims import Run
from billing.delivery import sending, topics
from billing.models import BillingCustomer, OutboxMessage, OutboxState
from tenants.context import operator_context
from tenants.querysets import TenantQuerySet

WIDTH, RUN = 8, 50
"""Serials that one relay sends at once, and messages of one that are claimed before another one's turn."""
BULK = 5000
"""Messages that have arrived by being written, in one transaction."""
_last = threading.local()
"""The serial at which this thread stopped: the next round begins behind it, so that each one's turn comes."""


@dataclass(frozen=True, slots=True)
class RelayCount:
    """What one round did, in messages; `local` went nowhere because nobody outside collects."""

    local: int = 0
    delivered: int = 0
    retried: int = 0
    parked: int = 0


def drain(limit: int = 500) -> RelayCount:
    """Send what is due, at most `limit` messages to outside. Safe in any number at once and when killed."""
    done: Counter[str] = Counter(local=_deliver_local())
    for runs in _waves(limit):
        for ended in sending.send(runs):
            done.update(claims.write(ended))
    return RelayCount(done["local"], done["delivered"], done["retried"], done["parked"])


def claim(count: int, after: str = "", most: int = RUN) -> list[Run]:
    """Take the first due messages of each serial behind `after`, for the time of the lease."""
    with operator_context():
        return claims.take(outbox_heads.waiting(clock.now(), after, count), most, count * most)


def replay(message: OutboxMessage) -> bool:
    """Send a parked message again; False for one that is not parked."""
    parked = OutboxMessage.objects.filter(pk=message.pk, state=OutboxState.PARKED)
    return bool(parked.update(state=OutboxState.PENDING, next_at=clock.now(), claimed_until=None))


def _waves(left: int) -> Iterator[list[Run]]:
    """Claim some serials after the others, from where the last round stopped, until a whole pass takes nothing."""
    after = getattr(_last, "serial", "")
    taken_in_pass = bool(after)
    while left > 0:
        with operator_context():
            serials = outbox_heads.waiting(clock.now(), after, WIDTH)
            # taken when they are sent, not before: a claim that lies about keeps other relays from it
            runs = claims.take(serials, RUN, left) if serials else []
        if runs:
            taken_in_pass, left = True, left - sum(map(len, runs))
            _last.serial = runs[-1][0].message.serial
            yield runs
        if not serials and not taken_in_pass:
            return
        if not serials:
            taken_in_pass = False
        after = serials[-1] if serials else ""


def _deliver_local() -> int:
    """Where we collect ourselves, a message has arrived when it is written: some thousands in one statement."""
    moved, most = 0, BULK
    while most == BULK:
        with operator_context():
            # what another relay has locked is being delivered
            some = _local().order_by().select_for_update(skip_locked=True, no_key=True).values("pk")[:BULK]
            most = OutboxMessage.objects.filter(pk__in=some).update(
                state=OutboxState.DELIVERED, delivered_at=clock.now(), attempts=F("attempts") + 1
            )
        moved += most
    return moved


def _local() -> TenantQuerySet[OutboxMessage]:
    outside = BillingCustomer.objects.exclude(provider=providers.LOCAL)
    local = BillingCustomer.objects.filter(provider=providers.LOCAL)
    waiting: TenantQuerySet[OutboxMessage] = OutboxMessage.objects.filter(state=OutboxState.PENDING)
    waiting = waiting.exclude(topic__in=topics.LOCAL_TOO)
    if providers.default_name() == providers.LOCAL:
        return waiting.exclude(tenant__in=outside.values("tenant"))
    return waiting.filter(tenant__in=local.values("tenant"))
