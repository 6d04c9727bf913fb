"""Credits: granted, held by jobs, consumed, expired, voided. The one place where a grant's parts are written.

Rows are locked in burn order before they are read, so that no two jobs are given the last of them. Of every grant, at
any time: amount = held + consumed + expired + voided + what is available.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F, Q

from billing import alerts, clock, ledger
from billing.domain.credits import GrantBalance, burn, spendable
from billing.domain.money import ZERO, total
from billing.errors import InvalidCredits, NothingToVoid
from billing.models import Account, AlertKind, CreditGrant, CreditHold, GrantKind, HoldState, Invoice, Reservation
from tenants import audit
from tenants.context import operator_context
from tenants.querysets import TenantQuerySet

SWEEP_BATCH = 500


@dataclass(frozen=True, slots=True)
class Chosen:
    """Parts of locked grants, in burn order, that may pay for a job."""

    grants: Sequence[CreditGrant] = ()
    parts: Sequence[tuple[UUID, Decimal]] = ()

    @property
    def amount(self) -> Decimal:
        return total(part for _, part in self.parts)


def grant(
    tenant_id: UUID,
    amount: Decimal,
    currency: str,
    *,
    kind: GrantKind,
    reason: str,
    actor: str,
    priority: int = 50,
    expires_at: datetime | None = None,
    invoice: Invoice | None = None,
    key: str | None = None,
) -> CreditGrant:
    """Add credits, exact minor units; with a `key`, once: the grant of that key is returned where there is one.

    Promotional ones are booked here; purchased and returned ones are booked by the invoice that they come from.
    Raises `InvalidCredits`.
    """
    if amount <= ZERO or (expires_at is not None and expires_at <= clock.now()):
        raise InvalidCredits
    made = CreditGrant(
        tenant_id=tenant_id, amount=amount, currency=currency, kind=kind, reason=reason, granted_by=actor,
        priority=priority, expires_at=expires_at, invoice=invoice, key=key, created_at=clock.now(),
    )  # fmt: skip
    if (existing := _insert(made)) is not None:
        return existing
    if kind == GrantKind.PROMOTIONAL:
        _book(made, ("credit_grant", made.id), "grant", amount, debit=Account.PROMOTION, credit=Account.CREDIT)
    audit.record(
        "credits.granted", tenant_id=tenant_id, actor=actor, subject=str(made.id), kind=str(kind), amount=str(amount),
        currency=currency, reason=reason,
    )  # fmt: skip
    return made


def void(grant: CreditGrant, *, reason: str, actor: str) -> CreditGrant:
    """Take back what is left of a grant; what unfinished work holds of it follows if it is given back.

    Raises `NothingToVoid`.
    """
    rows = CreditGrant.objects.for_tenant(grant.tenant_id).select_for_update(no_key=True)
    locked: CreditGrant = rows.get(pk=grant.pk)
    left = locked.available
    if left <= ZERO or locked.voided or locked.expired:
        raise NothingToVoid
    locked.voided = left
    locked.save(update_fields=["voided"])
    _book_breakage(locked, ("credit_grant", locked.id), "void", left)
    audit.record(
        "credits.voided", tenant_id=locked.tenant_id, actor=actor, subject=str(locked.id), amount=str(left),
        reason=reason,
    )  # fmt: skip
    return locked


def take_back(grant: CreditGrant, amount: Decimal) -> bool:
    """Use up a part of a grant for a correction that books it itself; False where less than that is left.

    It counts as consumed: a grant that is voided is void as a whole.
    """
    rows = CreditGrant.objects.for_tenant(grant.tenant_id).select_for_update(no_key=True)
    locked: CreditGrant = rows.get(pk=grant.pk)
    if locked.available < amount:
        return False
    locked.consumed = total([locked.consumed, amount])
    locked.save(update_fields=["consumed"])
    return True


def available(tenant_id: UUID, currency: str) -> Decimal:
    """What new work can be paid from now, exact minor units."""
    now = clock.now()
    return total(spendable(_balance(each), now) for each in good(tenant_id, currency, now))


def balances(tenant_id: UUID) -> list[CreditGrant]:
    """All grants of the tenant in burn order, used up and expired ones too."""
    return list(CreditGrant.objects.for_tenant(tenant_id))


def good(tenant_id: UUID, currency: str, now: datetime) -> TenantQuerySet[CreditGrant]:
    """The grants that new work can be paid from, in burn order; of some all may be held."""
    rows: TenantQuerySet[CreditGrant] = CreditGrant.objects.for_tenant(tenant_id)
    lasting = Q(expires_at__isnull=True) | Q(expires_at__gt=now)
    # only equality: SQLite can neither add nor compare amounts
    return rows.filter(lasting, currency=currency, voided=ZERO).exclude(consumed=F("amount"))


def choose(reservation: Reservation, amount: Decimal) -> Chosen:
    """Up to `amount` for a job, in burn order, as much as there is. The grants are locked, nothing is written."""
    now = clock.now()
    grants = list(_lock(good(reservation.tenant_id, reservation.currency, now)))
    return Chosen(grants, burn([_balance(each) for each in grants], amount, now))


def hold(reservation: Reservation, chosen: Chosen) -> None:
    """Hold for a job what was chosen for it."""
    if not chosen.parts:
        return
    grants = {each.id: each for each in chosen.grants}
    before = total(map(_burnt, chosen.grants))
    for grant_id, part in chosen.parts:
        grants[grant_id].held = total([grants[grant_id].held, part])
        grants[grant_id].save(update_fields=["held"])
    _write_holds(reservation, chosen.parts)
    _warn(chosen.grants, before)


def lock(reservations: Sequence[Reservation]) -> None:
    """Lock all grants that jobs of one tenant hold or may come to hold, before a batch takes them one by one."""
    tenant_id, currency = reservations[0].tenant_id, reservations[0].currency
    held, usable = _holds(reservations).values("grant"), good(tenant_id, currency, clock.now()).values("pk")
    rows = CreditGrant.objects.for_tenant(tenant_id)
    list(_lock(rows.filter(Q(pk__in=held) | Q(pk__in=usable.order_by()))))


def consume(reservations: Sequence[Reservation]) -> Decimal:
    """Use up what jobs of one tenant hold; how much it was. Once: holds that have ended are left alone."""
    parts = _held_parts(reservations)
    for grant, holds in parts:
        used = total(hold.amount for hold in holds)
        grant.held, grant.consumed = total([grant.held, -used]), total([grant.consumed, used])
        grant.save(update_fields=["held", "consumed"])
    holds = [hold for _, of_grant in parts for hold in of_grant]
    _end(holds, HoldState.CONSUMED)
    return total(hold.amount for hold in holds)


def release(reservation: Reservation) -> Decimal:
    """Give back what a job holds; how much it was. Into a grant that has expired or was voided it does not return."""
    parts = [(hold, grant) for grant, holds in _held_parts([reservation]) for hold in holds]
    now = clock.now()
    for hold, held in parts:
        held.held = total([held.held, -hold.amount])
        _lose(held, hold, now)
        held.save(update_fields=["held", "expired", "voided"])
    holds = [hold for hold, _ in parts]
    _end(holds, HoldState.RELEASED)
    return total(hold.amount for hold in holds)


def expire_overdue(now: datetime) -> int:
    """Write off what is left of the grants whose time is over, of all tenants; how many. Safe in any number at once."""
    with operator_context():
        over = CreditGrant.objects.filter(expires_at__lte=now, expired=ZERO, voided=ZERO).exclude(consumed=F("amount"))
        # skipped where a job has them locked: so nobody who holds another row is ever waited for
        overdue = over.order_by("expires_at").select_for_update(skip_locked=True, no_key=True)[:SWEEP_BATCH]
        ended = [each for each in overdue if each.available > ZERO]
        for each in ended:
            left = each.available
            each.expired = left
            each.save(update_fields=["expired"])
            _book_breakage(each, ("credit_grant", each.id), "expiry", left)
        return len(ended)


def _insert(made: CreditGrant) -> CreditGrant | None:
    """Write a grant; the one that its key has made before, where there is one."""
    try:
        with transaction.atomic():
            made.save(force_insert=True)
    except IntegrityError:
        existing: CreditGrant | None = CreditGrant.objects.for_tenant(made.tenant_id).filter(key=made.key).first()
        if made.key is None or existing is None:
            raise
        return existing
    return None


def _lock(grants: TenantQuerySet[CreditGrant]) -> Iterable[CreditGrant]:
    """Burn order is the order of the model, and so the order in which everybody locks."""
    return grants.select_for_update(no_key=True)


def _balance(grant: CreditGrant) -> GrantBalance:
    return GrantBalance(grant.id, grant.priority, grant.expires_at, grant.available)


def _burnt(grant: CreditGrant) -> Decimal:
    return total([grant.held, grant.consumed])


def _warn(grants: Sequence[CreditGrant], before: Decimal) -> None:
    """The share burnt of the grants that were not used up; each new grant starts the alerts anew."""
    newest = max(grants, key=lambda each: each.created_at)
    level = alerts.Level(
        AlertKind.CREDITS, newest.currency, newest.created_at, before, total(map(_burnt, grants)),
        total(each.amount for each in grants),
    )  # fmt: skip
    alerts.check(newest.tenant_id, level)


def _write_holds(reservation: Reservation, parts: Sequence[tuple[UUID, Decimal]]) -> None:
    """A place that comes back to life after it had expired finds the rows of its first holds."""
    holds = [
        CreditHold(
            tenant_id=reservation.tenant_id, reservation=reservation, grant_id=grant_id, amount=part,
            state=HoldState.HELD,
        )
        for grant_id, part in parts
    ]  # fmt: skip
    CreditHold.objects.bulk_create(
        holds, update_conflicts=True, unique_fields=["reservation", "grant"], update_fields=["amount", "state"]
    )


def _held_parts(reservations: Sequence[Reservation]) -> list[tuple[CreditGrant, list[CreditHold]]]:
    """What jobs hold of each grant; the grants locked, in burn order. The holds are guarded by the places' locks."""
    of_grant: defaultdict[UUID, list[CreditHold]] = defaultdict(list)
    for hold in _holds(reservations):
        of_grant[hold.grant_id].append(hold)
    grants = CreditGrant.objects.for_tenant(reservations[0].tenant_id).filter(pk__in=list(of_grant))
    return [(each, of_grant[each.id]) for each in _lock(grants)]


def _holds(reservations: Sequence[Reservation]) -> TenantQuerySet[CreditHold]:
    """What has not ended."""
    rows: TenantQuerySet[CreditHold] = CreditHold.objects.for_tenant(reservations[0].tenant_id)
    return rows.filter(reservation__in=[each.pk for each in reservations], state=HoldState.HELD).order_by("id")


def _lose(grant: CreditGrant, hold: CreditHold, now: datetime) -> None:
    """A part that comes back too late is written off at once."""
    source = ("credit_hold", hold.id)
    if grant.voided:
        grant.voided = total([grant.voided, hold.amount])
        _book_breakage(grant, source, "void", hold.amount)
    elif grant.expires_at is not None and grant.expires_at <= now:
        grant.expired = total([grant.expired, hold.amount])
        _book_breakage(grant, source, "expiry", hold.amount)


def _end(holds: Sequence[CreditHold], state: HoldState) -> None:
    if holds:
        rows = CreditHold.objects.for_tenant(holds[0].tenant_id).filter(pk__in=[hold.pk for hold in holds])
        rows.update(state=state)


def _book_breakage(grant: CreditGrant, source: tuple[str, UUID], kind: str, amount: Decimal) -> None:
    _book(grant, source, kind, amount, debit=Account.CREDIT, credit=Account.BREAKAGE)


def _book(
    grant: CreditGrant, source: tuple[str, UUID], kind: str, amount: Decimal, *, debit: Account, credit: Account
) -> None:
    ledger.post(
        grant.tenant_id, source=source, kind=kind, currency=grant.currency, occurred_at=clock.now(),
        postings=[ledger.Posting(debit, amount), ledger.Posting(credit, -amount)],
    )  # fmt: skip
