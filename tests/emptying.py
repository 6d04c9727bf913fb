"""Empty tables after a test that commits: only those that were written to, and without making permissions anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import apps
from django.db import connection, transaction

from billing import seeds

KEPT = ("django_content_type", "auth_permission", "django_migrations")
"""What the code alone determines: every test finds them as `migrate` made them."""


def empty_tables(_test_case: Any) -> None:
    """In place of `TransactionTestCase._fixture_teardown`: a hundred tables and all permissions cost a second."""
    if connection.vendor == "postgresql":
        _truncate(_written_on_postgresql())
    else:
        _delete_past_the_append_only_triggers(_written_on_sqlite())
    seeds.after_migrate(sender=apps.get_app_config("billing"))


def _written_on_postgresql() -> list[str]:
    """By size, since row-level security hides rows from a query."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace"
            " AND pg_relation_size(oid) > 0 AND relname <> ALL(%s)",
            [list(KEPT)],
        )
        return [name for (name,) in cursor.fetchall()]


def _truncate(tables: Sequence[str]) -> None:
    if tables:
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {', '.join(map(connection.ops.quote_name, tables))} CASCADE")


def _written_on_sqlite() -> list[str]:
    with connection.cursor() as cursor:
        tables = [name for name in connection.introspection.table_names(cursor) if name not in KEPT]
        return [name for name in tables if cursor.execute(f'SELECT EXISTS (SELECT 1 FROM "{name}")').fetchone()[0]]


def _delete_past_the_append_only_triggers(tables: Sequence[str]) -> None:
    """SQLite has no TRUNCATE, and the triggers refuse a DELETE: lift them for it."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        triggers = cursor.fetchall()
        for name, _sql in triggers:
            cursor.execute(f'DROP TRIGGER "{name}"')
        for table in tables:
            cursor.execute(f'DELETE FROM "{table}"')
        for _name, sql in triggers:
            cursor.execute(sql)
