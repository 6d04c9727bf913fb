"""The operator's figures: what became of the findings of each model."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from inference import learning
from inference.agreement import Agreement, agreement
from tenants.context import operator_context, tenant_context
from tenants.models import AuditEvent
from tests.billing import operators
from tests.conftest import Party
from tests.reviewing import Ward, make_ward

pytestmark = pytest.mark.django_db


@pytest.fixture
def ward(clinic: Party) -> Ward:
    return make_ward(clinic)


def figures() -> list[Agreement]:
    with operator_context():
        return agreement()


def test_the_last_act_on_each_finding_of_a_signed_result_counts(ward: Ward) -> None:
    ward.judge("accepted")
    ward.judge("rejected", "a rib")
    ward.add()
    ward.add((1, 1, 5, 5))
    ward.judge("withdrawn", place=2)
    assert figures() == []
    ward.sign()
    assert figures() == [
        Agreement("echo", "1.0.0", "mass", added=1),
        Agreement("echo", "1.0.0", "nodule", rejected=1),
    ]


def test_a_rate_is_the_share_that_stands_as_the_model_told_it() -> None:
    assert Agreement("p", "1", "t", accepted=6, edited=1, rejected=2, added=1).rate == 0.6


def page(client: Client) -> Any:
    return client.get(reverse("admin:agreement"))


def test_who_may_look_sees_counts_and_no_customer(ward: Ward) -> None:
    ward.judge("accepted")
    ward.sign()
    shown = page(operators.looker()).content.decode()
    assert "100.0 %" in shown
    assert "echo" in shown
    assert ward.tenant.name not in shown


def test_the_staff_without_a_right_and_customers_are_kept_out(ward: Ward, client: Client) -> None:
    assert page(operators.staff()).status_code == 403
    client.force_login(ward.party.owner)
    assert page(client).status_code == 302


def test_the_operator_notes_a_consent_and_it_is_traced(ward: Ward) -> None:
    operator = operators.operator()
    words = {"tenant": str(ward.tenant.pk), "given": "on"}
    assert operator.post(reverse("admin:inference_learningconsent_add"), words).status_code == 302
    with tenant_context(ward.tenant.id):
        assert learning.consents(ward.tenant.id)
    with operator_context():
        event = AuditEvent.objects.get(tenant=ward.tenant, action="learning_consent.changed")
    assert event.actor.startswith("operator:")
    assert event.detail == {"given": True}
