"""The database's part of the tenant wall as migration operations: row-level security, composite keys, append-only.

PostgreSQL carries all three, SQLite the append-only triggers (it has neither policies nor later constraints).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

SEEN = (
    "(current_setting('app.operator', true) = 'on'"
    " OR tenant_id = nullif(current_setting('app.tenant', true), '')::uuid)"
)


class TableOperation(Operation):
    """Runs statements over a list of models of the migration's app; leaves Django's state as it is."""

    reduces_to_sql = True
    reversible = True

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(names)

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, [self.names], {}

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """No change: constraints of the database only."""

    def _models(self, app_label: str, state: ProjectState) -> list[type[models.Model]]:
        return [state.apps.get_model(app_label, name) for name in self.names]


class BuildWall(TableOperation):
    """Row-level security, forced on the owner too, and foreign keys that include the tenant."""

    def describe(self) -> str:
        return f"Build the tenant wall around {', '.join(self.names)}"

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        if schema_editor.connection.vendor != "postgresql":
            return
        walled = self._models(app_label, to_state)
        for model in walled:
            for statement in policy_statements(model._meta.db_table):
                schema_editor.execute(statement, params=None)
        for model in walled:
            for statement in composite_key_statements(model):
                schema_editor.execute(statement, params=None)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """The tables are dropped by the operations before this one, and the wall with them."""


def policy_statements(table: str) -> list[str]:
    """Fail closed: without a scope no row is seen, and none can be written for another tenant."""
    return [
        f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY',
        f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY',
        f'CREATE POLICY tenant_wall ON "{table}" USING {SEEN} WITH CHECK {SEEN}',
        f'ALTER TABLE "{table}" ADD CONSTRAINT "{table}_tenant_id_id" UNIQUE (tenant_id, id)',
    ]


def composite_key_statements(model: type[models.Model], only: str | None = None) -> list[str]:
    """One foreign key (tenant_id, x_id) -> (tenant_id, id) for each reference to another walled table."""
    table = model._meta.db_table
    return [
        f'ALTER TABLE "{table}" ADD CONSTRAINT "{table}_{field.column}_wall" FOREIGN KEY (tenant_id, "{field.column}")'
        f' REFERENCES "{field.related_model._meta.db_table}" (tenant_id, id) DEFERRABLE INITIALLY DEFERRED'
        for field in walled_references(model)
        if only in (None, field.name)
    ]


def walled_references(model: type[models.Model]) -> list[Any]:
    """The foreign keys of `model` that point to tables with a tenant."""
    return [
        field
        for field in model._meta.local_fields
        if isinstance(field, models.ForeignKey)
        and field.name != "tenant"
        and isinstance(field.related_model, type)
        and any(other.name == "tenant" for other in field.related_model._meta.local_fields)
    ]


class ExtendWall(TableOperation):
    """Foreign keys that include the tenant, for references that came to walled tables later: "Model.field" each."""

    def describe(self) -> str:
        return f"Extend the tenant wall to {', '.join(self.names)}"

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        if schema_editor.connection.vendor != "postgresql":
            return
        for name, field in (reference.split(".") for reference in self.names):
            model = to_state.apps.get_model(app_label, name)
            for statement in composite_key_statements(model, only=field):
                schema_editor.execute(statement, params=None)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """The keys go with the columns."""


class AppendOnly(TableOperation):
    """Triggers that refuse UPDATE and DELETE: history and money are corrected by new rows. May be repeated."""

    def describe(self) -> str:
        return f"Make {', '.join(self.names)} append-only"

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        build = POSTGRESQL_TRIGGERS if schema_editor.connection.vendor == "postgresql" else SQLITE_TRIGGERS
        for model in self._models(app_label, to_state):
            for statement in build:
                schema_editor.execute(statement % {"table": model._meta.db_table}, params=None)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """The triggers go with the tables."""


POSTGRESQL_TRIGGERS = (
    "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN RAISE EXCEPTION 'append-only: %% of %% refused', TG_OP, TG_TABLE_NAME"
    " USING ERRCODE = 'restrict_violation'; END $$",
    'DROP TRIGGER IF EXISTS "%(table)s_append_only" ON "%(table)s"',
    'CREATE TRIGGER "%(table)s_append_only" BEFORE UPDATE OR DELETE ON "%(table)s"'
    " FOR EACH ROW EXECUTE FUNCTION refuse_change()",
)
SQLITE_TRIGGERS = tuple(
    statement
    for event in ("update", "delete")
    for statement in (
        f'DROP TRIGGER IF EXISTS "%(table)s_no_{event}"',
        f'CREATE TRIGGER "%(table)s_no_{event}" BEFORE {event} ON "%(table)s"'
        " BEGIN SELECT RAISE(ABORT, 'append-only: %(table)s'); END",
    )
)
