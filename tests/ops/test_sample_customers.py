from __future__ import annotations

from datetime import UTC, datetime

import pytest

from billing import books
from billing.models import Invoice, Subscription
from ops import sample_customers
from tenants.context import operator_context

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def test_the_sample_customers_have_bills_of_all_three_ways_and_books_that_agree() -> None:
    made = sample_customers.tell("owner@demo.example", NOW)
    with operator_context():
        plans = set(Subscription.objects.values_list("plan_version__plan__slug", flat=True))
        invoiced = set(Invoice.objects.values_list("tenant__name", flat=True))
    assert books.check_all() == []
    assert plans == {"per-service", "prepaid", "pay-per-use", "team"}
    assert invoiced == set(made)


def test_telling_it_again_adds_nothing() -> None:
    sample_customers.tell("owner@demo.example", NOW)
    assert sample_customers.tell("owner@demo.example", NOW) == []
