"""Who pays for a job: credits first, an invoice for the rest. Locks the spending row, then grants in burn order.

Free work touches nothing. Work that costs something always counts as spending, cap or no cap: the cost so far is one
row, and a cap that is set in mid-period holds at once.
"""

from __future__ import annotations

from decimal import Decimal

from billing import credits, refusals, spending
from billing.domain.money import total
from billing.models import Reservation


def hold(reservation: Reservation, *, prepaid: bool) -> None:
    """Hold credits and money for a new place, and note what is paid from credits.

    Raises `SpendingLimitReached`, and `PaymentRequired` where credits must pay for all and do not suffice.
    """
    if not reservation.amount:
        return
    purse = spending.lock(reservation.counter, reservation.currency)
    if purse.has_credits:
        _credit(reservation)
    rest = _rest(reservation)
    if not rest:
        return
    if prepaid:
        raise refusals.credits_short(reservation.amount, reservation.credited, reservation.currency)
    spending.hold(purse, rest, reservation.currency)


def settle(reservation: Reservation) -> None:
    """Use up what a place holds."""
    if rest := _rest(reservation):
        spending.settle(spending.lock(reservation.counter, reservation.currency), rest)
    if reservation.credited:
        credits.consume(reservation)


def settle_late(reservation: Reservation) -> None:
    """Finished work whose hold was given back: credits as far as there are any, the rest is charged. Never refused."""
    reservation.credited = Decimal(0)
    if not reservation.amount:
        return
    purse = spending.lock(reservation.counter, reservation.currency)
    if purse.has_credits:
        _credit(reservation)
        credits.consume(reservation)
    if rest := _rest(reservation):
        spending.spend(purse, rest)


def release(reservation: Reservation) -> None:
    """Give back what a place holds."""
    if rest := _rest(reservation):
        spending.release(spending.lock(reservation.counter, reservation.currency), rest)
    if reservation.credited:
        credits.release(reservation)


def _credit(reservation: Reservation) -> None:
    reservation.credited = credits.hold_for(reservation, reservation.amount)
    if reservation.credited:
        reservation.save(update_fields=["credited"])


def _rest(reservation: Reservation) -> Decimal:
    """What an invoice will charge."""
    return total([reservation.amount, -reservation.credited])
