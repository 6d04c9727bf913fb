from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from billing.models import Subscription
from tenants import keys
from tenants.context import operator_context
from tenants.models import Tenant


def create(*arguments: str) -> str:
    out = StringIO()
    call_command("tenant", "create", "Clinic", *arguments, stdout=out)
    return out.getvalue()


def test_the_printed_key_opens_the_new_tenant(db: None) -> None:
    made = json.loads(create("--owner", "owner@clinic.example", "--plan", "trial", "--json"))
    assert keys.authenticate(made["api_key"]).tenant.name == "Clinic"
    assert (made["owner"], made["plan"]) == ("owner@clinic.example", "trial")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--owner", "nobody", "--plan", "trial"], "email"),
        (["--owner", "owner@clinic.example", "--plan", "gold"], "gold"),
    ],
)
def test_a_wrong_word_makes_nothing(db: None, arguments: list[str], complaint: str) -> None:
    with pytest.raises(CommandError, match=complaint):
        create(*arguments)
    assert not Tenant.objects.exists()


@pytest.mark.parametrize("name", ["", "x" * 151])
def test_a_name_that_is_none_makes_nothing(db: None, name: str) -> None:
    with pytest.raises(CommandError, match="name"):
        call_command("tenant", "create", name, "--owner", "owner@clinic.example", "--plan", "trial")
    assert not Tenant.objects.exists()


def test_the_same_command_given_twice_makes_one_tenant_unless_asked_for(db: None) -> None:
    words = ["--owner", "owner@clinic.example", "--plan", "trial"]
    create(*words)
    with pytest.raises(CommandError, match="--again"):
        create(*words)
    assert Tenant.objects.count() == 1
    create(*words, "--again")
    assert Tenant.objects.count() == 2


def plan_of(tenant: Tenant) -> str:
    with operator_context():
        return str(Subscription.objects.get(tenant=tenant, canceled_at=None).plan_version.plan.slug)


def test_a_tenant_is_put_on_another_plan(db: None) -> None:
    made = json.loads(create("--owner", "owner@clinic.example", "--plan", "trial", "--json"))
    call_command("tenant", "plan", made["tenant"], "team", stdout=StringIO())
    assert plan_of(Tenant.objects.get()) == "team"


def test_another_plan_keeps_the_subscription_and_can_wait_for_the_periods_end(db: None) -> None:
    made = json.loads(create("--owner", "owner@clinic.example", "--plan", "team", "--json"))
    call_command("tenant", "plan", made["tenant"], "per-service", "--at-period-end", stdout=StringIO())
    assert plan_of(Tenant.objects.get()) == "team"
    call_command("tenant", "plan", made["tenant"], "per-service", stdout=StringIO())
    assert plan_of(Tenant.objects.get()) == "per-service"
    with operator_context():
        assert Subscription.objects.count() == 1


def test_another_currency_means_a_new_subscription(db: None) -> None:
    made = json.loads(create("--owner", "owner@clinic.example", "--plan", "trial", "--currency", "eur", "--json"))
    call_command("tenant", "plan", made["tenant"], "team", "--currency", "cny", stdout=StringIO())
    with operator_context():
        currencies = list(Subscription.objects.order_by("created_at").values_list("currency", flat=True))
    assert currencies == ["eur", "cny"]
    with pytest.raises(CommandError, match="not sold in jpy"):
        call_command("tenant", "plan", made["tenant"], "team", "--currency", "jpy")


@pytest.mark.parametrize(("tenant", "plan"), [("tnt_nonsense", "team"), (None, "gold")])
def test_another_plan_for_nobody_or_no_plan_changes_nothing(db: None, tenant: str | None, plan: str) -> None:
    made = json.loads(create("--owner", "owner@clinic.example", "--plan", "trial", "--json"))
    with pytest.raises(CommandError):
        call_command("tenant", "plan", tenant or made["tenant"], plan)
    assert plan_of(Tenant.objects.get()) == "trial"


def test_the_owner_chooses_a_password_once_by_the_printed_address(db: None) -> None:
    made = json.loads(create("--owner", "owner@clinic.example", "--plan", "trial", "--json"))
    path = made["password_url"].removeprefix("http://127.0.0.1:8000")
    client = Client()
    form = client.get(path)["Location"]
    words = {"new_password1": "long and secret 1", "new_password2": "long and secret 1"}
    assert client.post(form, words).status_code == 302
    assert client.get("/").status_code == 200
    assert "too old" in Client().get(path, follow=True).content.decode()


def test_an_owner_who_has_a_password_gets_no_such_address(db: None) -> None:
    made = json.loads(create("--owner", "owner@clinic.example", "--plan", "trial", "--json"))
    client = Client()
    form = client.get(made["password_url"].removeprefix("http://127.0.0.1:8000"))["Location"]
    client.post(form, {"new_password1": "long and secret 1", "new_password2": "long and secret 1"})
    again = json.loads(create("--owner", "owner@clinic.example", "--plan", "trial", "--json", "--again"))
    assert "password_url" not in again
