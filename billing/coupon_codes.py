"""Coupons: redeeming a code, and what redeemed ones take off an invoice."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q

from billing import clock, customers, phasing, subscriptions
from billing.domain import coupons
from billing.domain.coupons import Discount, DiscountKind
from billing.errors import CouponRefused, UnknownCoupon
from billing.models import Coupon, CouponKind, Redemption, Subscription
from tenants import audit


def redeem(tenant_id: UUID, code: str, *, actor: str) -> Redemption:
    """Let a coupon count on the tenant's invoices from now on, once for each tenant.

    Raises `PaymentRequired` without a subscription, `UnknownCoupon`, and `CouponRefused` for one that has expired, is
    used up, was redeemed before, or is not for this plan or currency.
    """
    with transaction.atomic():
        subscription = subscriptions.existing(tenant_id)
        customers.lock(tenant_id)
        coupon = Coupon.objects.filter(code=code.strip(), active=True).first()
        if coupon is None:
            raise UnknownCoupon(coupon=code)
        _refuse_unfit(coupon, subscription)
        if Redemption.objects.for_tenant(tenant_id).filter(coupon=coupon).exists():
            raise CouponRefused("The coupon %(coupon)s was redeemed before.", coupon=code)
        _count(coupon)
        made: Redemption = Redemption.objects.create(
            tenant_id=tenant_id, coupon=coupon, subscription=subscription, redeemed_at=clock.now(),
            periods_left=coupons.first_periods_left(coupons.CouponDuration(coupon.duration), coupon.periods),
        )  # fmt: skip
        audit.record("coupon.redeemed", tenant_id=tenant_id, actor=actor, subject=coupon.code)
    return made


def applicable(subscription: Subscription) -> list[Redemption]:
    """The redemptions that count on the subscription's next invoice, in the order in which they were made."""
    if not phasing.beside(subscription).redemptions:
        return []
    rows = Redemption.objects.for_tenant(subscription.tenant_id).filter(subscription=subscription)
    counting = rows.filter(Q(periods_left__isnull=True) | Q(periods_left__gt=0)).select_related("coupon")
    plan = subscription.plan_version.plan_id
    return [each for each in counting.order_by("redeemed_at", "id") if each.coupon.plan_id in (None, plan)]


def discount(coupon: Coupon) -> Discount:
    """What `domain.coupons` computes with."""
    return Discount(DiscountKind(coupon.kind), coupon.percent, coupon.amount)


def use_up(redemptions: Iterable[Redemption]) -> None:
    """Count one invoice of each."""
    for redemption in redemptions:
        duration = coupons.CouponDuration(redemption.coupon.duration)
        redemption.periods_left = coupons.next_periods_left(duration, redemption.periods_left)
        redemption.save(update_fields=["periods_left"])


def give_back(tenant_id: UUID, redemptions: Iterable[UUID]) -> None:
    """Take the counting of one invoice back, for one that is voided."""
    rows = Redemption.objects.for_tenant(tenant_id).filter(pk__in=list(redemptions), periods_left__isnull=False)
    rows.update(periods_left=F("periods_left") + 1)


def _refuse_unfit(coupon: Coupon, subscription: Subscription) -> None:
    if coupon.expires_at is not None and coupon.expires_at <= clock.now():
        raise CouponRefused("The coupon %(coupon)s has expired.", coupon=coupon.code)
    if coupon.kind == CouponKind.AMOUNT and coupon.currency != subscription.currency:
        raise CouponRefused("The coupon %(coupon)s is for another currency.", coupon=coupon.code)
    if coupon.plan_id not in (None, subscription.plan_version.plan_id):
        raise CouponRefused("The coupon %(coupon)s is for another plan.", coupon=coupon.code)


def _count(coupon: Coupon) -> None:
    """One conditional UPDATE: of two that come for the last one, the database lets one through."""
    room = Q(max_redemptions__isnull=True) | Q(redeemed__lt=F("max_redemptions"))
    if not Coupon.objects.filter(room, pk=coupon.pk, active=True).update(redeemed=F("redeemed") + 1):
        raise CouponRefused("The coupon %(coupon)s is used up.", coupon=coupon.code)
