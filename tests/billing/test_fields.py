"""What is stored comes back to the last digit, on both databases."""

from __future__ import annotations

from decimal import Decimal, Inexact
from uuid import uuid4

import pytest
from django.utils import timezone

from billing.fields import AmountField, ExactSum, QuantityField
from billing.models import Account, LedgerEntry, LedgerTransaction, Meter, Plan, PlanVersion, Price
from tenants.context import tenant_context
from tests.conftest import Party

LONG = Decimal("12345678901234567890.123456789012345678")


def price_of(amount: Decimal) -> Price:
    plan = Plan.objects.create(slug=f"p{uuid4().hex}", name="p")
    version = PlanVersion.objects.create(plan=plan, number=1)
    return Price.objects.create(plan_version=version, meter=Meter.objects.get(slug="image"), amount=amount)


@pytest.mark.django_db
def test_an_amount_keeps_all_38_digits() -> None:
    price = price_of(LONG)
    price.refresh_from_db()
    assert price.amount == LONG
    assert Price.objects.get(amount=LONG) == price


@pytest.mark.django_db
@pytest.mark.parametrize("amount", [Decimal("1E-19"), Decimal("NaN"), Decimal("Infinity"), Decimal("1E+20")])
def test_a_digit_that_does_not_fit_is_an_error_instead_of_a_rounding(amount: Decimal) -> None:
    with pytest.raises(ArithmeticError):
        price_of(amount)


@pytest.mark.parametrize("field", [AmountField(), QuantityField()])
def test_a_float_is_refused(field: AmountField | QuantityField) -> None:
    with pytest.raises(TypeError):
        field.get_prep_value(0.1)


def test_a_quantity_finer_than_a_millionth_is_refused() -> None:
    with pytest.raises(Inexact):
        QuantityField().get_prep_value(Decimal("0.0000001"))


@pytest.mark.django_db
def test_a_tenth_and_a_fifth_are_three_tenths(alice: Party) -> None:
    with tenant_context(alice.tenant.id):
        booked = LedgerTransaction.objects.create(
            tenant=alice.tenant, source_type="t", source_id="1", kind="k", occurred_at=timezone.now()
        )
        for amount in ("0.1", "0.2", "-0.3"):
            LedgerEntry.objects.create(
                tenant=alice.tenant, transaction=booked, account=Account.CASH, amount=amount, currency="usd"
            )
        assert LedgerEntry.objects.filter(amount__gt=0).aggregate(sum=ExactSum("amount"))["sum"] == Decimal("0.3")
        assert LedgerEntry.objects.aggregate(sum=ExactSum("amount"))["sum"] == 0
        assert LedgerEntry.objects.filter(account="none").aggregate(sum=ExactSum("amount"))["sum"] is None
