"""The plan editor: draft, edit, look, publish, move."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from billing import catalogue, clock
from billing.admin import preview
from billing.models import (
    CatalogueObject,
    Entitlement,
    Meter,
    Plan,
    PlanVersion,
    Price,
    Subscription,
    VersionState,
)
from tenants.context import operator_context
from tests.billing import operators
from tests.billing.operators import Refused, do
from tests.billing.work import make_plan, on_plan
from tests.conftest import Party

pytestmark = pytest.mark.django_db
MAY = datetime(2027, 5, 1, tzinfo=UTC)
TIERS = '[{"up_to": 100, "unit_amount": 0}, {"up_to": null, "unit_amount": 2.5}]'


@pytest.fixture(autouse=True)
def _may(db: None) -> Iterator[None]:
    with clock.at(MAY):
        yield


@pytest.fixture
def draft(db: None) -> PlanVersion:
    """The second version of a plan with a fee of 50.00 and units at 0.10."""
    first = make_plan("fifty", fee="5000")
    with operator_context():
        return catalogue.draft_from(first, actor="test")


def form_of(version: PlanVersion, price: dict[str, Any] | None = None) -> dict[str, Any]:
    """The change form as a browser sends it, with one more price."""
    words: dict[str, Any] = {"currency": "usd", "interval": "month", "funding": "invoiced", "trial_days": "0"}
    for prefix, rows in (("prices", list(version.prices.all())), ("entitlements", []), ("features", [])):
        added = [price] if price and prefix == "prices" else []
        words |= {f"{prefix}-TOTAL_FORMS": len(rows) + len(added), f"{prefix}-INITIAL_FORMS": len(rows)}
        for place, row in enumerate(rows):
            kept = {"id": row.pk, "meter": row.meter_id or "", "plugin": row.plugin, "currency": row.currency,
                    "model": row.model, "amount": row.amount, "tiers": "[]"}  # fmt: skip
            words |= {f"{prefix}-{place}-{name}": value for name, value in kept.items()}
        for row in added:
            words |= {f"{prefix}-{len(rows)}-{name}": value for name, value in row.items()}
    return words


def a_price(tiers: str) -> dict[str, Any]:
    series = Meter.objects.get(slug="series").pk
    return {"meter": series, "plugin": "*", "currency": "usd", "model": "graduated", "amount": "0", "tiers": tiers}


def shown(client: Client, version: PlanVersion, **words: str) -> str:
    answer = client.get(operators.address(version), words)
    assert answer.status_code == 200
    return answer.content.decode().replace("\u00a0", " ")


def test_the_first_version_of_a_new_plan_is_made_by_the_form() -> None:
    plan = Plan.objects.create(slug="new", name="New")
    words = {"plan": plan.pk, "currency": "usd", "interval": "month", "funding": "invoiced", "trial_days": "0"}
    empty = {f"{prefix}-{name}_FORMS": 0 for prefix in ("prices", "entitlements", "features")
             for name in ("TOTAL", "INITIAL")}  # fmt: skip
    answer = operators.operator().post(operators.address(PlanVersion, "add"), {**words, **empty})
    assert answer.status_code == 302
    version = PlanVersion.objects.get(plan=plan)
    assert (version.number, version.state) == (1, VersionState.DRAFT)
    assert len(operators.traces("plan_version.created")) == 1


def test_tiers_keep_the_digits_that_were_written(draft: PlanVersion) -> None:
    answer = operators.operator().post(operators.address(draft), form_of(draft, a_price(TIERS)))
    assert answer.status_code == 302
    price = Price.objects.get(plan_version=draft, model="graduated")
    assert price.tiers == [{"up_to": "100", "unit_amount": "0"}, {"up_to": None, "unit_amount": "2.5"}]
    assert operators.traces("plan_version.changed")


@pytest.mark.parametrize(
    ("tiers", "fault"),
    [
        ("[{", "This is not JSON"),
        ('{"up_to": null}', "tiers: a list is needed"),
        ('[{"up_to": null, "unit_price": "1"}]', "tiers[0]: unknown unit_price"),
        ('[{"up_to": null, "unit_amount": "a"}]', "tiers[0].unit_amount: not a number"),
        ('[{"up_to": 10, "unit_amount": 1}]', "the last tier must be open"),
        ('[{"up_to": null, "unit_amount": -1}]', "must not be negative"),
    ],
)
def test_a_fault_in_the_tiers_is_told_with_its_place(draft: PlanVersion, tiers: str, fault: str) -> None:
    answer = operators.operator().post(operators.address(draft), form_of(draft, a_price(tiers)))
    assert answer.status_code == 200
    errors = answer.context["inline_admin_formsets"][0].formset.errors
    assert fault in str(errors[-1]).replace("&#x27;", "'")
    assert not Price.objects.filter(plan_version=draft, model="graduated").exists()


def test_who_may_only_look_does_not_edit_a_draft(draft: PlanVersion) -> None:
    client = operators.looker()
    assert "50.00 USD" in shown(client, draft)
    assert client.post(operators.address(draft), form_of(draft, a_price(TIERS))).status_code == 403
    assert Price.objects.filter(plan_version=draft).count() == 2


def test_control_who_may_change_does(draft: PlanVersion) -> None:
    assert operators.operator().post(operators.address(draft), form_of(draft, a_price(TIERS))).status_code == 302
    assert Price.objects.filter(plan_version=draft).count() == 3


def test_a_published_version_is_not_edited(draft: PlanVersion) -> None:
    client = operators.operator()
    do(client, draft, "publish")
    assert client.post(operators.address(draft), form_of(draft, a_price(TIERS))).status_code == 403


def test_the_page_of_a_draft_shows_what_the_customer_pays(draft: PlanVersion) -> None:
    page = shown(operators.looker(), draft, quantities="3, 25")
    assert "50.00 USD" in page
    # 3 and 25 units at 0.10
    assert "0.30 USD" in page
    assert "2.50 USD" in page


def test_quantities_that_are_none_are_left_out() -> None:
    assert preview.quantities("1; x") == list(preview.EXAMPLES)
    assert preview.quantities("-1 NaN 7") == [Decimal(7)]
    assert preview.quantities("1e-999999 1e12 0.000001") == [Decimal("0.000001")]
    assert preview.quantities("") == list(preview.EXAMPLES)


def test_faults_are_shown_and_stop_publishing(draft: PlanVersion) -> None:
    Entitlement.objects.filter(plan_version=draft).delete()
    client = operators.operator()
    assert "it covers no plugin" in shown(client, draft)
    with pytest.raises(Refused, match="it covers no plugin"):
        do(client, draft, "publish")
    draft.refresh_from_db()
    assert draft.state == VersionState.DRAFT


def test_publishing_puts_the_draft_on_offer(draft: PlanVersion) -> None:
    do(operators.operator(), draft, "publish")
    assert catalogue.published("fifty").pk == draft.pk


def test_the_next_version_is_drafted_from_one(db: None) -> None:
    first = make_plan("fifty", fee="5000")
    do(operators.operator(), first, "draft_next")
    assert PlanVersion.objects.get(plan=first.plan, state=VersionState.DRAFT).number == 2


def test_copies_at_providers_are_shown_by_price(draft: PlanVersion) -> None:
    price = draft.prices.get(meter=None)
    CatalogueObject.objects.create(provider="stripe", kind="price", local_id=price.pk, state="failed", error="too long")
    page = shown(operators.looker(), draft)
    assert "Failed" in page
    assert "too long" in page


def test_moving_shows_its_effect_on_each_subscriber_before_it_runs(alice: Party, draft: PlanVersion) -> None:
    on_plan(alice.tenant, "fifty")
    Price.objects.filter(plan_version=draft, meter=None).update(amount=6000)
    client = operators.operator()
    do(client, draft, "publish")
    page = client.get(operators.address(draft, "move")).content.decode().replace("\u00a0", " ")
    assert "alice" in page
    assert "60.00 USD" in page
    assert "10.00 USD" in page
    assert version_of(alice).number == 1
    told = do(client, draft, "move", when="now")
    assert told == "1 subscribers were moved to fifty v2."
    assert version_of(alice).number == 2


def test_nobody_is_moved_to_a_draft(alice: Party, draft: PlanVersion) -> None:
    on_plan(alice.tenant, "fifty")
    with pytest.raises(Refused):
        do(operators.operator(), draft, "move", when="now")
    assert version_of(alice).number == 1


def version_of(party: Party) -> PlanVersion:
    with operator_context():
        found: PlanVersion = Subscription.objects.select_related("plan_version").get(tenant=party.tenant).plan_version
    return found
