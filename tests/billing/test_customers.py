"""The one who pays: made on first use, changed with a trace and a message."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from billing import customers
from billing.errors import InvalidCap
from billing.models import BillingCustomer, OutboxMessage
from tenants.context import tenant_context
from tenants.models import AuditEvent
from tests.conftest import Party

pytestmark = pytest.mark.django_db


def messages() -> list[OutboxMessage]:
    return list(OutboxMessage.objects.filter(topic="customer.changed").order_by("created_at"))


def test_a_customer_is_made_on_first_use_and_found_afterwards(alice: Party) -> None:
    with tenant_context(alice.tenant.id):
        assert not BillingCustomer.objects.exists()
        made = customers.of(alice.tenant.id)
        assert customers.of(alice.tenant.id) == customers.lock(alice.tenant.id) == made
        assert (made.soft_cap, made.hard_cap, made.tax_percent, made.provider) == (None, None, 0, "local")


def test_with_a_key_for_stripe_new_customers_are_collected_from_by_stripe(alice: Party, settings: Any) -> None:
    settings.STRIPE_SECRET_KEY = "sk_test_1"
    settings.ASSAY_BILLING_PROVIDER = ""
    assert customers.default_provider() == "stripe"
    settings.ASSAY_BILLING_PROVIDER = "local"
    assert customers.default_provider() == "local"


def test_changed_details_leave_a_trace_and_tell_the_collector(alice: Party) -> None:
    with tenant_context(alice.tenant.id):
        changed = customers.update_details(alice.tenant.id, actor="owner", name="Clinic", email="pay@clinic.example")
        customers.update_details(alice.tenant.id, actor="owner", name="Clinic Ltd")
        assert (changed.name, changed.email) == ("Clinic", "pay@clinic.example")
        assert customers.of(alice.tenant.id).name == "Clinic Ltd"
        first, second = messages()
        assert first.payload == second.payload == {"customer": str(changed.id)}
        assert first.serial == second.serial == f"customer:{alice.tenant.id}"
        events = AuditEvent.objects.filter(action="customer.updated")
        assert [event.detail for event in events] == [{"fields": ["email", "name"]}, {"fields": ["name"]}]


def test_a_wrong_address_or_a_field_that_is_none_is_refused(alice: Party) -> None:
    with tenant_context(alice.tenant.id):
        with pytest.raises(ValidationError):
            customers.update_details(alice.tenant.id, actor="owner", email="nowhere")
        with pytest.raises(TypeError):
            customers.update_details(alice.tenant.id, actor="owner", hard_cap=1)
        assert customers.of(alice.tenant.id).email == ""
        assert messages() == []


def test_caps_are_set_together_and_taken_away_again(alice: Party) -> None:
    with tenant_context(alice.tenant.id):
        customers.set_caps(alice.tenant.id, soft=5000, hard=10000, actor="owner")
        customer = customers.of(alice.tenant.id)
        assert (customer.soft_cap, customer.hard_cap) == (5000, 10000)
        customers.set_caps(alice.tenant.id, soft=None, hard=None, actor="owner")
        assert customers.of(alice.tenant.id).hard_cap is None
        assert len(messages()) == 2
        with pytest.raises(InvalidCap):
            customers.set_caps(alice.tenant.id, soft=None, hard=-1, actor="owner")
