"""No tenant sees, changes or can tell anything of another one: generated from the URLs and the models.

A route or a model that stands in none of the tables below fails the test, so that nothing new escapes it. The walls
are tried one by one as well: the ORM's with row-level security off, row-level security with the ORM's off.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from billing import clock
from billing.models import Alert, CheckoutSession, CreditNote, Invoice
from billing.quota import subscription_of
from inference.models import Artifact, Instance, Job, Result, Study
from tenants import querysets
from tenants.accounts import TENANT_IN_SESSION
from tenants.context import operator_context, tenant_context
from tenants.ids import encode, uuid7
from tenants.models import ApiKey, AuditEvent, TenantModel
from tests.conftest import Party, make_party
from tests.inference.work import SLUG, echo_installed, study_of, submit, subscribe, work

PUBLIC = {
    "openapi",
    "docs",
    "set_language",
    "portal:login",
    "portal:logout",
    "portal:set-password",
    "v1:root",
    "v1:nothing",
    "webhook",
}
STAFF_PREFIX = "admin/"
# routes of a tenant that take no id of an object
OWN = {
    "v1:me", "v1:studies", "v1:plugins", "v1:plugin", "v1:plugin-card", "v1:jobs", "v1:job-estimate", "v1:usage",
    "v1:usage-summary", "v1:plans", "v1:subscription", "v1:invoices", "v1:invoice-preview", "portal:home",
    "portal:tenants", "portal:jobs", "portal:usage", "portal:plans", "portal:invoices", "portal:keys",
    "portal:password", "v1:subscription-preview", "v1:subscription-change", "v1:subscription-cancel",
    "v1:subscription-keep", "v1:subscription-pause", "v1:subscription-resume", "v1:credits", "v1:credits-purchase",
    "v1:spending-caps", "v1:alerts", "portal:usage-live", "portal:usage-export", "portal:plan-change",
    "portal:plan-subscribe", "portal:subscription", "portal:add-on", "portal:coupon", "portal:invoices-export",
    "portal:credits", "portal:credits-export", "portal:credits-used-export", "portal:credits-buy",
    "portal:credits-pay", "portal:billing", "portal:caps", "portal:payment-method", "portal:provider-portal",
    "portal:privacy", "v1:erasures", "portal:held", "portal:retention", "portal:deletions",
    "portal:learning",
}  # fmt: skip
# routes that take ids: the prefix of each
WITH_ID: dict[str, tuple[str, ...]] = {
    "v1:study": ("std",), "v1:rendered": ("std", "ins"), "v1:study-release": ("std",),
    "v1:study-certificate": ("std",), "v1:legal-hold": ("std",),
    "v1:job": ("job",), "v1:job-cancel": ("job",),
    "v1:job-retry": ("job",), "v1:job-result": ("job",), "v1:job-report": ("job",), "v1:job-report-pdf": ("job",),
    "v1:artifact": ("job", "art"),
    "v1:job-outputs": ("job",), "v1:job-output": ("job",),
    "v1:invoice": ("inv",), "v1:invoice-pdf": ("inv",), "v1:credit-note-pdf": ("cn",), "portal:job": ("job",),
    "portal:invoice": ("inv",), "portal:key-revoke": ("key",),
    "portal:invoice-line": ("inv",), "portal:invoice-lines-export": ("inv",), "portal:invoice-usage-export": ("inv",),
    "portal:invoice-pdf": ("inv",), "portal:invoice-pay": ("inv",), "portal:credit-note-pdf": ("cn",),
    "portal:study-release": ("std",),
    "portal:deletion": ("evt",),
    "portal:alert-dismiss": ("alr",), "portal:pay": ("pay",), "v1:finding-review": ("fnd",),
    "v1:result-findings": ("res",), "v1:result-reviews": ("res",), "v1:result-conclusion": ("res",),
    "v1:result-sign": ("res",), "v1:result-addenda": ("res",), "portal:finding-add": ("job",),
    "portal:finding-review": ("job", "fnd"), "portal:conclusion": ("job",), "portal:sign": ("job",),
    "portal:addendum": ("job",),
}  # fmt: skip
FIXED = {"<int:position>": "1", "<str:kind>": "fhir", "<str:language>.pdf": "en.pdf"}
"""Places of an address that are no ids."""
METHODS = ("get", "post", "delete", "put", "patch")
SHARED_MODELS = {
    "tenants.User", "tenants.Tenant", "billing.Meter", "billing.Plan", "billing.PlanVersion", "billing.Price",
    "billing.Entitlement", "billing.InvoiceSequence", "billing.BillingClock", "billing.Feature", "billing.PlanFeature",
    "billing.Coupon", "billing.ProviderAccount", "billing.CatalogueObject", "billing.ProviderEvent",
    "billing.ReconciliationRun", "inference.ModelVersion", "inference.WorkerHeartbeat",
}  # fmt: skip
OURS = ("tenants", "billing", "inference")


@dataclass(frozen=True)
class Route:
    """One URL pattern: its full name and its text."""

    name: str
    text: str


def routes(patterns: Any = None, prefix: str = "", space: str = "") -> Iterator[Route]:
    for pattern in patterns if patterns is not None else get_resolver().url_patterns:
        text = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            inner = f"{space}{pattern.namespace}:" if pattern.namespace else space
            yield from routes(pattern.url_patterns, text, inner)
        elif isinstance(pattern, URLPattern):
            yield Route(f"{space}{pattern.name}", text)


def ours() -> list[type[models.Model]]:
    return [model for label in OURS for model in apps.get_app_config(label).get_models()]


def walled() -> list[type[models.Model]]:
    return [model for model in ours() if issubclass(model, TenantModel)]


@pytest.mark.database_free
def test_every_route_is_classified() -> None:
    known = PUBLIC | OWN | set(WITH_ID)
    stray = {route.name for route in routes() if not route.text.startswith(STAFF_PREFIX)} - known
    assert stray == set(), "say in this file whose route it is"


@pytest.mark.database_free
def test_every_model_is_classified() -> None:
    stray = {model._meta.label for model in ours() if not issubclass(model, TenantModel)} - SHARED_MODELS
    assert stray == set(), "say in this file that the model belongs to no tenant, or make it a TenantModel"


@pytest.mark.database_free
def test_every_model_of_a_tenant_has_our_manager_as_its_base() -> None:
    for model in walled():
        assert isinstance(model._base_manager, querysets.TenantManager), model
        assert isinstance(model._default_manager, querysets.TenantManager), model


@dataclass(frozen=True)
class Belongings:
    """A tenant with one object of each kind that routes ask for, by prefix."""

    party: Party
    ids: dict[str, str]


def furnish(name: str) -> Belongings:
    """A tenant that has worked: study, job, result, artifact, usage, invoice, keys."""
    party = make_party(name)
    subscribe(party.tenant)
    study = study_of(party.tenant)
    job = submit(party.tenant, study)
    work()
    with tenant_context(party.tenant.id):
        result = Result.objects.get(job=job)
        art = Artifact.objects.create(
            tenant=party.tenant, result=result, kind="note", media_type="text/plain", sha256="0" * 64, size_bytes=1
        )
        invoice = invoice_of(party)
        note = CreditNote.objects.create(
            tenant=party.tenant, invoice=invoice, issuer=name, sequence=1, number=name, currency="usd", net=1, tax=0,
            total=1, reason="test", issued_at=invoice.created_at, issued_by="test",
        )  # fmt: skip
        ids = {
            "std": study.id, "ins": Instance.objects.get().id, "job": job.id, "art": art.id,
            "key": ApiKey.objects.get().id, "inv": invoice.id, "cn": note.id,
            "evt": AuditEvent.objects.order_by("sequence")[0].id,
            "res": result.id, "fnd": result.findings.get().id, "alr": alert_of(party).id, "pay": checkout_of(party).id,
        }  # fmt: skip
    return Belongings(party, {prefix: encode(prefix, value) for prefix, value in ids.items()})


def checkout_of(party: Party) -> CheckoutSession:
    """A visit to our own page, not ended."""
    made: CheckoutSession = CheckoutSession.objects.create(
        tenant=party.tenant, purpose="setup", provider="local", currency="usd"
    )
    return made


def alert_of(party: Party) -> Alert:
    """An alert that nobody has dismissed."""
    now = clock.now()
    made: Alert = Alert.objects.create(
        tenant=party.tenant, kind="quota", subject="*:study", threshold=50, period_start=now, raised_at=now
    )
    return made


def invoice_of(party: Party) -> Invoice:
    subscription, now = subscription_of(party.tenant.id), clock.now()
    made: Invoice = Invoice.objects.create(
        tenant=party.tenant, subscription=subscription, issuer="X", period_start=now, period_end=now, currency="usd",
        created_at=now,
    )  # fmt: skip
    return made


@pytest.fixture
def both(db: None) -> Iterator[tuple[Belongings, Belongings]]:
    """Alice, who asks, and Bob, whose things she asks for."""
    with echo_installed():
        yield furnish("alice"), furnish("bob")


def by_key(party: Party) -> tuple[Client, dict[str, str]]:
    return Client(), {"HTTP_AUTHORIZATION": f"Bearer {party.token}"}


def by_session(party: Party) -> tuple[Client, dict[str, str]]:
    client = Client()
    client.force_login(party.owner)
    session = client.session
    session[TENANT_IN_SESSION] = str(party.tenant.id)
    session.save()
    return client, {}


def fingerprint(party: Party) -> str:
    """A digest of every row that belongs to a tenant."""
    digest = hashlib.sha256()
    with operator_context():
        for model in walled():
            rows = model._default_manager.filter(tenant_id=party.tenant.id).order_by("pk").values_list()
            digest.update(repr(list(rows)).encode())
    return digest.hexdigest()


def address(route: Route, ids: dict[str, str]) -> str:
    """The route with these ids in the places of its parameters."""
    parts = route.text.split("/")
    values = iter(WITH_ID[route.name])
    return "/" + "/".join(FIXED.get(part) or (ids[next(values)] if part.startswith("<") else part) for part in parts)


def told(response: Any) -> tuple[int, bytes]:
    """Status and body, without what names the request itself."""
    body = response.content.replace(response.headers["X-Request-Id"].encode(), b"")
    if response.headers.get("Content-Type", "").startswith("application/problem"):
        fields = json.loads(body)
        body = json.dumps(
            {key: value for key, value in fields.items() if key not in {"instance", "request_id"}}
        ).encode()
    return response.status_code, body


def attack(alice: Belongings, bob: Belongings) -> list[str]:
    """Put each of Bob's ids into each place of each route, as Alice; what came back other than a plain 404."""
    leaks: list[str] = []
    for way in (by_key, by_session):
        client, headers = way(alice.party)
        for route in routes():
            if route.name in WITH_ID and not (way is by_key and route.name.startswith("portal")):
                leaks += attack_route(client, headers, route, alice, bob)
        leaks += attack_bodies(client, headers, bob)
    return leaks


def attack_route(
    client: Client, headers: dict[str, str], route: Route, alice: Belongings, bob: Belongings
) -> Iterator[str]:
    for prefix in WITH_ID[route.name]:
        stranger = {**alice.ids, prefix: bob.ids[prefix]}
        nobody = {**alice.ids, prefix: encode(prefix, uuid7())}
        for method in METHODS:
            of_bob, of_nobody = (
                getattr(client, method)(address(route, ids), content_type="application/json", **headers)
                for ids in (stranger, nobody)
            )
            if told(of_bob) != told(of_nobody) or of_bob.status_code not in (404, 405):
                yield f"{method} {route.name} {prefix}: {of_bob.status_code} and {of_nobody.status_code}"


def attack_bodies(client: Client, headers: dict[str, str], bob: Belongings) -> Iterator[str]:
    for path in ("/v1/jobs", "/v1/jobs/estimate"):
        body = json.dumps({"study": bob.ids["std"], "plugin": SLUG})
        answer = client.post(path, body, content_type="application/json", **headers)
        if answer.status_code != 404:
            yield f"post {path} with another one's study: {answer.status_code}"
    for path, empty in ((f"/v1/jobs?study={bob.ids['std']}", False), (f"/v1/usage?job={bob.ids['job']}", True)):
        answer = client.get(path, **headers)
        if answer.status_code != 404 and not (empty and answer.json()["data"] == []):
            yield f"get {path}: {answer.status_code}"


def test_another_ones_ids_are_like_ids_that_never_were_and_change_nothing(both: tuple[Belongings, Belongings]) -> None:
    alice, bob = both
    before = fingerprint(bob.party)
    assert attack(alice, bob) == []
    assert fingerprint(bob.party) == before


LISTS = (
    "/v1/studies",
    "/v1/jobs",
    "/v1/usage",
    "/v1/usage/summary",
    "/v1/invoices",
    "/v1/invoices/preview",
    "/v1/subscription",
)


def test_lists_do_not_change_when_another_tenant_works(both: tuple[Belongings, Belongings]) -> None:
    alice, bob = both
    client, headers = by_key(alice.party)
    before = [client.get(path, **headers).content for path in LISTS]
    for number in range(3):
        submit(bob.party.tenant, study_of(bob.party.tenant, number + 1))
    work(rounds=2)
    assert [client.get(path, **headers).content for path in LISTS] == before


def test_row_level_security_holds_alone(both: tuple[Belongings, Belongings], monkeypatch: pytest.MonkeyPatch) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no row-level security")
    alice, bob = both
    before = fingerprint(bob.party)
    monkeypatch.setattr(querysets, "ENFORCED", False)
    monkeypatch.setattr(querysets.TenantQuerySet, "for_tenant", lambda self, tenant: self.all())
    assert attack(alice, bob) == []
    monkeypatch.undo()
    assert fingerprint(bob.party) == before


def take_down_row_level_security() -> None:
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        # a table with checks still to come can not be altered
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for model in walled():
            cursor.execute(f'ALTER TABLE "{model._meta.db_table}" NO FORCE ROW LEVEL SECURITY')


def test_the_orm_holds_alone(both: tuple[Belongings, Belongings]) -> None:
    alice, bob = both
    take_down_row_level_security()
    before = fingerprint(bob.party)
    assert attack(alice, bob) == []
    assert fingerprint(bob.party) == before


def test_control_with_both_walls_down_the_attack_succeeds(
    both: tuple[Belongings, Belongings], monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob = both
    take_down_row_level_security()
    monkeypatch.setattr(querysets, "ENFORCED", False)
    assert attack(alice, bob) != []


def test_the_database_walls_every_table_of_a_tenant(db: None) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has neither policies nor composite keys")
    from tenants.wall import walled_references

    with connection.cursor() as cursor:
        cursor.execute("SELECT relname, relrowsecurity AND relforcerowsecurity FROM pg_class")
        forced = dict(cursor.fetchall())
        cursor.execute("SELECT tablename FROM pg_policies WHERE policyname = 'tenant_wall'")
        policies = {row[0] for row in cursor.fetchall()}
        cursor.execute("SELECT conname FROM pg_constraint WHERE contype = 'f'")
        keys = {row[0] for row in cursor.fetchall()}
    for model in walled():
        table = model._meta.db_table
        assert forced[table], table
        assert table in policies, table
        for field in walled_references(model):
            assert f"{table}_{field.column}_wall" in keys, field


def test_the_same_uids_and_bytes_live_in_two_tenants(both: tuple[Belongings, Belongings]) -> None:
    assert len(both) == 2
    with operator_context():
        digests = set(Instance.objects.values_list("sha256", flat=True))
        assert len(digests) == 1
        assert Study.objects.count() == Job.objects.count() == 2
