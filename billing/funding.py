"""Who pays for a job: credits first, an invoice for the rest. Locks the spending row, then grants in burn order.

Free work touches nothing. Work that costs something always counts as spending, cap or no cap: the cost so far is one
row, and a cap that is set in mid-period holds at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from billing import credits, refusals, spending
from billing.credits import Chosen
from billing.domain.money import total
from billing.models import Reservation
from billing.spending import Purse


@dataclass(frozen=True, slots=True)
class Payment:
    """What pays for a place: parts of grants, and for the rest a period's spending; all of it locked."""

    purse: Purse
    chosen: Chosen


def promise(reservation: Reservation, *, prepaid: bool) -> Payment | None:
    """Choose what pays for a place that is not written yet, and note in it what credits pay; None for free work.

    Raises `SpendingLimitReached`, and `PaymentRequired` where credits must pay for all and do not suffice.
    """
    if not reservation.amount:
        return None
    purse = spending.lock(reservation.counter, reservation.currency)
    chosen = credits.choose(reservation, reservation.amount) if purse.has_credits else Chosen()
    reservation.credited = chosen.amount
    rest = _rest(reservation)
    if rest and prepaid:
        raise refusals.credits_short(reservation.amount, reservation.credited, reservation.currency)
    if rest:
        spending.refuse_beyond_cap(purse, rest, reservation.currency)
    return Payment(purse, chosen)


def hold(reservation: Reservation, payment: Payment | None) -> None:
    """Hold what was promised to a place that is written now."""
    if payment is None:
        return
    credits.hold(reservation, payment.chosen)
    if rest := _rest(reservation):
        spending.hold(payment.purse, rest)


def lock(places: Iterable[Reservation]) -> None:
    """Lock all that pays, or may pay, for places, for a batch that has late work in it."""
    costly = [each for each in places if each.amount]
    for mine in _by_period(costly):
        spending.lock(mine[0].counter, mine[0].currency)
    for mine in _by_tenant(costly):
        credits.lock(mine)


def settle(places: Iterable[Reservation]) -> None:
    """Use up what places hold: each row that they share is written once."""
    costly = [each for each in places if each.amount]
    spending.settle(
        {(mine[0].tenant_id, *_period(mine[0])): total(map(_rest, mine)) for mine in _by_period(filter(_rest, costly))}
    )
    for mine in _by_tenant(each for each in costly if each.credited):
        credits.consume(mine)


def settle_late(reservation: Reservation) -> None:
    """Finished work whose hold was given back: credits as far as there are any, the rest is charged. Never refused."""
    _charge_late(reservation)
    reservation.save(update_fields=["metered", "amount", "credited"])


def _charge_late(reservation: Reservation) -> None:
    reservation.credited = Decimal(0)
    if not reservation.amount:
        return
    purse = spending.lock(reservation.counter, reservation.currency)
    if purse.has_credits:
        chosen = credits.choose(reservation, reservation.amount)
        credits.hold(reservation, chosen)
        credits.consume([reservation])
        reservation.credited = chosen.amount
    if rest := _rest(reservation):
        spending.spend(purse, rest)


def release(reservation: Reservation) -> None:
    """Give back what a place holds."""
    if rest := _rest(reservation):
        spending.release(spending.lock(reservation.counter, reservation.currency), rest)
    if reservation.credited:
        credits.release(reservation)


def _by_period(places: Iterable[Reservation]) -> list[list[Reservation]]:
    """The places of each spending row, in the order in which the rows are locked."""
    found: defaultdict[tuple[datetime, UUID], list[Reservation]] = defaultdict(list)
    for each in places:
        found[_period(each)].append(each)
    return [found[key] for key in sorted(found)]


def _period(reservation: Reservation) -> tuple[datetime, UUID]:
    """Which spending row a place counts in."""
    return reservation.counter.period_start, reservation.counter.subscription_id


def _by_tenant(places: Iterable[Reservation]) -> list[list[Reservation]]:
    """The places of each tenant, in the order in which their grants are locked."""
    found: defaultdict[UUID, list[Reservation]] = defaultdict(list)
    for each in places:
        found[each.tenant_id].append(each)
    return [found[key] for key in sorted(found)]


def _rest(reservation: Reservation) -> Decimal:
    """What an invoice will charge."""
    return total([reservation.amount, -reservation.credited])
