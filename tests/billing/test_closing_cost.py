"""What closing a period asks of the database: the next thing that is read for each subscription makes this red."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing import clock, cycle
from tests.billing.work import make_plan, on_plan
from tests.conftest import make_party

pytestmark = pytest.mark.django_db
SCOPE = ("SAVEPOINT", "RELEASE", "SELECT set_config", "SELECT pg_advisory")
EACH = 16
"""The lock, phases, payer, what there is beside and unbilled; the invoice twice, its line, booking and number; the
announcement and the audit; the subscription twice."""


def cost(names: str) -> int:
    """Statements of closing the first period of new subscriptions to a fee, one for each letter."""
    for name in names:
        on_plan(make_party(f"payer-{name}").tenant, "fee-alone")
    at = clock.now() + timedelta(days=32)
    with clock.at(at), CaptureQueriesContext(connection) as seen:
        assert len(cycle.close_due(at)) == len(names)
    return len([each for each in seen.captured_queries if not each["sql"].startswith(SCOPE)])


def test_each_further_subscription_costs_the_same_few_statements() -> None:
    make_plan("fee-alone", fee="1000")
    cost("a")  # what never changes is read now
    assert cost("bcd") - cost("e") == 2 * EACH
