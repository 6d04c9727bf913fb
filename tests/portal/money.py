"""A tenant that works and pays, its people at the portal, and what its pages say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.test import Client

from billing import catalogue, clock, credits, cycle, invoices, quota, subscriptions
from billing.models import GrantKind, Invoice, Subscription
from tenants.accounts import TENANT_IN_SESSION
from tenants.context import operator_context, tenant_context
from tenants.ids import uuid7
from tenants.models import Membership, Role, Tenant, User
from tests.conftest import Party, make_party

USD = "usd"


@dataclass(frozen=True)
class House:
    """One tenant, its people by role, and somebody of another tenant."""

    party: Party
    people: dict[str, User]
    stranger: Party

    @property
    def tenant(self) -> Tenant:
        return self.party.tenant

    @property
    def id(self) -> UUID:
        return self.party.tenant.id

    def client(self, role: str) -> Client:
        """A browser in which the person of a role is logged in."""
        return logged_in(self.people[role], self.tenant)

    @property
    def subscription(self) -> Subscription:
        with tenant_context(self.id):
            found = subscriptions.subscription_of(self.id)
        assert found is not None
        return found

    def work(self, jobs: int = 1, plugin: str = "echo", unit: str = "image") -> None:
        """Jobs that are finished at once."""
        for _ in range(jobs):
            with tenant_context(self.id):
                job = uuid7()
                quota.reserve(self.id, job_id=job, plugin=plugin, unit=unit, quantity=Decimal(1))
                quota.settle(self.id, job_id=job)

    def give(self, amount: int, reason: str = "gift", expires_at: datetime | None = None) -> None:
        """Promotional credits, minor units."""
        with tenant_context(self.id):
            credits.grant(
                self.id, Decimal(amount), USD, kind=GrantKind.PROMOTIONAL, reason=reason, actor="test",
                expires_at=expires_at,
            )  # fmt: skip

    def close_period(self) -> Invoice:
        """The invoice of the present period, closed at its end."""
        end = self.subscription.current_period_end
        assert end is not None
        with clock.at(end):
            cycle.close_due(end)
        with tenant_context(self.id):
            found: Invoice = Invoice.objects.get(kind="period")
        return found

    def due(self) -> int:
        """What an invoice would say now."""
        with tenant_context(self.id):
            return invoices.preview(self.id).total


def make_house() -> House:
    party, stranger = make_party("house"), make_party("stranger")
    people = {"owner": party.owner, "member": party.member}
    with operator_context():
        for role in (Role.ADMIN, Role.BILLING):
            person = User.objects.create_user(f"{role}@house.example", "a long password")
            Membership.objects.create(tenant=party.tenant, user=person, role=role)
            people[role] = person
        for each in (party, stranger):
            catalogue.subscribe(each.tenant, "team", actor="test")
    return House(party, people, stranger)


def logged_in(user: User, tenant: Tenant) -> Client:
    client = Client()
    client.force_login(user)
    session = client.session
    session[TENANT_IN_SESSION] = str(tenant.id)
    session.save()
    return client


def text_of(answer: Any) -> str:
    """A page's text; the answer must be one."""
    assert answer.status_code == 200, (answer.status_code, answer.headers)
    return str(answer.content.decode())


def told(client: Client, path: str, fields: dict[str, str] | None = None) -> str:
    """What the page says on which a form ends."""
    return text_of(client.post(path, fields or {}, follow=True))


def downloaded(answer: Any) -> str:
    """A table that came in pieces."""
    assert answer.status_code == 200
    return b"".join(answer.streaming_content).decode("utf-8")
