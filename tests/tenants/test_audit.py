from __future__ import annotations

import json
import threading
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from tenants import audit
from tenants.context import operator_context, tenant_context
from tenants.models import AuditEvent
from tests.conftest import Party, make_party


def lift_the_triggers() -> None:
    """Do what an intruder with the owner's rights would do."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("DROP TRIGGER tenants_auditevent_append_only ON tenants_auditevent")
        else:
            cursor.execute("DROP TRIGGER tenants_auditevent_no_update")
            cursor.execute("DROP TRIGGER tenants_auditevent_no_delete")


def three_events(party: Party) -> None:
    with tenant_context(party.tenant.id):
        for number in range(3):
            audit.record("thing.done", tenant_id=party.tenant.id, actor="test", number=number)


def test_a_log_that_was_left_alone_is_whole(alice: Party, charlie: Party) -> None:
    three_events(alice)
    with operator_context():
        audit.record("plan.published", tenant_id=None, actor="operator")
    assert audit.verify() == []


@pytest.mark.parametrize("statement", ["UPDATE tenants_auditevent SET actor = 'x'", "DELETE FROM tenants_auditevent"])
def test_the_database_refuses_to_change_history(alice: Party, statement: str) -> None:
    with (
        operator_context(),
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda events: events.filter(sequence=4).update(actor="mallory"), "altered"),
        (lambda events: events.filter(sequence=4).delete(), "missing"),
    ],
)
def test_a_changed_log_is_noticed(alice: Party, change: Callable[[Any], object], reason: str) -> None:
    three_events(alice)
    lift_the_triggers()
    with operator_context():
        change(AuditEvent.objects.filter(tenant=alice.tenant))
    assert [fault.reason for fault in audit.verify()] == [reason]


def test_the_command_tells_by_status_and_by_json(alice: Party) -> None:
    out = StringIO()
    call_command("audit", "verify", "--json", stdout=out)
    assert json.loads(out.getvalue()) == {"whole": True, "faults": []}
    lift_the_triggers()
    with operator_context():
        AuditEvent.objects.filter(tenant=alice.tenant, sequence=1).update(action="nothing")
    out = StringIO()
    with pytest.raises(SystemExit) as end:
        call_command("audit", "verify", "--json", stdout=out, stderr=StringIO())
    assert end.value.code == 1
    assert json.loads(out.getvalue())["whole"] is False


def append_in_threads(party: Party, count: int) -> list[BaseException]:
    """`count` writers at once, each with a connection of its own; what they raised."""
    start, raised = threading.Barrier(count), []

    def append() -> None:
        start.wait()
        try:
            with tenant_context(party.tenant.id):
                audit.record("thing.done", tenant_id=party.tenant.id, actor="test")
        except BaseException as error:
            raised.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=append) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


@pytest.mark.django_db(transaction=True)
def test_writers_at_once_make_one_chain() -> None:
    party = make_party("alice")
    assert append_in_threads(party, 8) == []
    assert audit.verify() == []


@pytest.mark.django_db(transaction=True)
def test_without_the_lock_writers_collide(monkeypatch: pytest.MonkeyPatch) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one write lock for all, and no way to do without it")
    party = make_party("alice")
    monkeypatch.setattr(audit, "_lock_chain", lambda tenant_id: None)
    assert append_in_threads(party, 8) != []
