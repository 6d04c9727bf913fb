from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tenants import keys
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
