"""Operators in tests: a person with every right, one who may only look, one of the staff without a right."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from tenants.context import operator_context
from tenants.models import AuditEvent, User


def operator(name: str = "operator") -> Client:
    """A client that is logged in as a person who may do everything."""
    return _logged_in(User.objects.create_superuser(f"{name}@assay.example", "a long password"))


def looker() -> Client:
    """May look at everything and change nothing."""
    user = User.objects.create_user("looker@assay.example", "a long password", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    return _logged_in(user)


def staff() -> Client:
    """Of the staff, without any right."""
    return _logged_in(User.objects.create_user("staff@assay.example", "a long password", is_staff=True))


def _logged_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def address(row: Model | type[Model], act: str = "change") -> str:
    """Where a row's page, or an act on it, is; for a model, an act of the list."""
    meta = row._meta
    name = f"admin:{meta.app_label}_{meta.model_name}_{act}"
    return reverse(name) if isinstance(row, type) else reverse(name, args=[row.pk])


def do(client: Client, row: Model | type[Model], act: str, **words: Any) -> str:
    """Carry an act out; what the operator is told, or raises with the errors of the form."""
    answer = client.post(address(row, act), {**words, "confirmed": "1"})
    if answer.status_code != 302:
        raise Refused(answer.context["form"].errors.as_text() if answer.status_code == 200 else answer.status_code)
    return str(list(get_messages(answer.wsgi_request))[-1])


class Refused(Exception):
    """The act was not carried out; the text says why."""


def acts() -> list[tuple[type[Model], str, bool]]:
    """All acts of billing's pages that change something, and whether they belong to a row."""
    pages = [page for page in admin.site._registry.values() if page.opts.app_label == "billing"]
    found = [(page.model, name, place == "actions_detail") for page in pages for place in PLACES
             for name in getattr(page, place) if getattr(page, name).allowed_permissions == ["operate"]]  # fmt: skip
    return sorted(found, key=lambda each: (each[0]._meta.model_name or "", each[1]))


PLACES = ("actions_detail", "actions_list")


def traces(action: str) -> list[str]:
    """Who did it, by the audit log."""
    with operator_context():
        return list(AuditEvent.objects.filter(action=action).values_list("actor", flat=True))
