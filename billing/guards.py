"""What the database itself refuses, as migration operations: changed terms, changed invoices, unbalanced books.

The triggers of SQLite fall with a table that a later migration rebuilds; such a migration repeats the operation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState


class Guard(Operation):
    """Runs the statements of its vendor; a repetition replaces what stands."""

    reduces_to_sql = True
    reversible = True

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, [], {}

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """No change: triggers only."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        postgresql = schema_editor.connection.vendor == "postgresql"
        for statement in self.postgresql() if postgresql else self.sqlite():
            schema_editor.execute(statement, params=None)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """The triggers go with the tables."""

    def postgresql(self) -> list[str]:
        return []

    def sqlite(self) -> list[str]:
        return []


class FixOnceClosed(Guard):
    """Rows of `table` change only while `state` is draft; afterwards only columns outside of `columns`, by `moves`.

    Rows of `children` (table, foreign key) are added, changed and deleted only while their parent is a draft.
    Rows of `freed` (table, foreign key) are added and deleted likewise, and change also once their parent is void.
    """

    def __init__(
        self,
        table: str,
        columns: list[str],
        moves: list[tuple[str, str]],
        children: list[tuple[str, str]],
        freed: Sequence[tuple[str, str]] = (),
    ) -> None:
        self.table, self.columns, self.moves, self.children, self.freed = table, columns, moves, children, freed

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, [self.table, self.columns, self.moves, self.children, list(self.freed)], {}

    def describe(self) -> str:
        return f"Refuse changes of {self.table} that is no draft any more"

    def postgresql(self) -> list[str]:
        refuse = f"FOR EACH ROW WHEN (%s) EXECUTE FUNCTION billing_refuse('{self._message}')"
        return [
            POSTGRESQL_REFUSE,
            POSTGRESQL_REFUSE_BESIDE_DRAFT,
            *_replaced(f"{self.table}_fixed", self.table, "BEFORE UPDATE", refuse % self._changed("IS DISTINCT FROM")),
            *_replaced(f"{self.table}_kept", self.table, "BEFORE DELETE", refuse % "OLD.state <> 'draft'"),
            *(
                statement
                for child, key, state in self._families()
                for statement in _replaced(
                    f"{child}_fixed", child, "BEFORE INSERT OR UPDATE OR DELETE",
                    f"FOR EACH ROW EXECUTE FUNCTION billing_refuse_beside_draft('{self.table}', '{key}', '{state}')",
                )
            ),
        ]  # fmt: skip

    def sqlite(self) -> list[str]:
        refuse = f"WHEN %s BEGIN SELECT RAISE(ABORT, '{self._message}'); END"
        statements = [
            *_replaced(f"{self.table}_fixed", self.table, "BEFORE UPDATE", refuse % self._changed("IS NOT"), ""),
            *_replaced(f"{self.table}_kept", self.table, "BEFORE DELETE", refuse % "OLD.state <> 'draft'", ""),
        ]
        for child, key, state in self._families():
            for event, sides in (("insert", ["NEW"]), ("update", ["OLD", "NEW"]), ("delete", ["OLD"])):
                allowed = f"('draft', '{state}')" if event == "update" else "('draft')"
                parents = " OR ".join(
                    f"(SELECT state FROM {self.table} WHERE id = {side}.{key}) NOT IN {allowed}"  # noqa: S608 names from a migration
                    for side in sides
                )
                statements += _replaced(f"{child}_no_{event}", child, f"BEFORE {event}", refuse % f"({parents})", "")
        return statements

    def _families(self) -> list[tuple[str, str, str]]:
        """Child table, its key, and the state beside draft in which its rows may change."""
        return [(*child, "draft") for child in self.children] + [(*child, "void") for child in self.freed]

    @property
    def _message(self) -> str:
        return f"immutable: {self.table} is not a draft any more"

    def _changed(self, differs: str) -> str:
        new, old = (", ".join(f'{side}."{column}"' for column in self.columns) for side in ("NEW", "OLD"))
        allowed = "".join(f" OR (OLD.state = '{before}' AND NEW.state = '{after}')" for before, after in self.moves)
        return f"(OLD.state <> 'draft' AND ((({new}) {differs} ({old})) OR NOT (OLD.state = NEW.state{allowed})))"


class LiftGuards(Guard):
    """Takes the guards of `tables` away, for a migration that changes them and puts them back at its end.

    SQLite rebuilds a changed table, and refuses to where a trigger of another one speaks of it.
    """

    def __init__(self, tables: list[str]) -> None:
        self.tables = tables

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, [self.tables], {}

    def describe(self) -> str:
        return f"Lift the guards of {', '.join(self.tables)}"

    def postgresql(self) -> list[str]:
        names = ("_fixed", "_kept", "_append_only")
        return [f'DROP TRIGGER IF EXISTS "{table}{name}" ON "{table}"' for table in self.tables for name in names]

    def sqlite(self) -> list[str]:
        names = ("_fixed", "_kept", "_no_insert", "_no_update", "_no_delete")
        return [f'DROP TRIGGER IF EXISTS "{table}{name}"' for table in self.tables for name in names]


class GrantsAddUp(Guard):
    """On PostgreSQL no part of a credit grant is negative, and together they are not more than it.

    SQLite keeps such amounts as text, which it can not compare; there one writer at a time checks them.
    """

    def describe(self) -> str:
        return "Refuse credit grants that do not add up"

    def postgresql(self) -> list[str]:
        return [
            "ALTER TABLE billing_creditgrant ADD CONSTRAINT credit_grant_adds_up CHECK ("
            "amount > 0 AND held >= 0 AND consumed >= 0 AND expired >= 0 AND voided >= 0"
            " AND held + consumed + expired + voided <= amount)",
            "ALTER TABLE billing_spendingcounter ADD CONSTRAINT spending_counter_not_negative CHECK ("
            "spent >= 0 AND held >= 0)",
        ]


class LedgerSumsToZero(Guard):
    """On PostgreSQL a transaction of the ledger that does not sum to zero per currency can not be committed."""

    def describe(self) -> str:
        return "Refuse unbalanced ledger transactions at commit"

    def postgresql(self) -> list[str]:
        return [
            POSTGRESQL_SUM,
            "DROP TRIGGER IF EXISTS billing_ledgerentry_balanced ON billing_ledgerentry",
            "CREATE CONSTRAINT TRIGGER billing_ledgerentry_balanced AFTER INSERT ON billing_ledgerentry"
            " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing_ledger_balanced()",
        ]


def _replaced(name: str, table: str, event: str, action: str, on: str = " ON {table}") -> list[str]:
    """SQLite drops a trigger by name, PostgreSQL by name and table."""
    return [
        f"DROP TRIGGER IF EXISTS {name}{on.format(table=table)}",
        f"CREATE TRIGGER {name} {event} ON {table} {action}",
    ]


POSTGRESQL_REFUSE = """
CREATE OR REPLACE FUNCTION billing_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'restrict_violation';
END $$
"""
# app.operator is put on for the look, and back: what is judged has to be seen, whoever asks.
# (PostgreSQL 15 lets only a superuser write such a setting into a function's definition.)
# FOR SHARE: wait for one who is just publishing the parent.
POSTGRESQL_REFUSE_BESIDE_DRAFT = """
CREATE OR REPLACE FUNCTION billing_refuse_beside_draft() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    asked_as text := current_setting('app.operator', true);
    parent_state text;
    side jsonb;
    sides jsonb[] := CASE TG_OP WHEN 'INSERT' THEN ARRAY[to_jsonb(NEW)] WHEN 'DELETE' THEN ARRAY[to_jsonb(OLD)]
                     ELSE ARRAY[to_jsonb(OLD), to_jsonb(NEW)] END;
BEGIN
    PERFORM set_config('app.operator', 'on', true);
    FOREACH side IN ARRAY sides LOOP
        EXECUTE format('SELECT state FROM %I WHERE id = $1 FOR SHARE', TG_ARGV[0])
            INTO parent_state USING (side ->> TG_ARGV[1])::uuid;
        IF parent_state <> 'draft' AND NOT (TG_OP = 'UPDATE' AND parent_state = TG_ARGV[2]) THEN
            RAISE EXCEPTION 'immutable: % of % refused', TG_OP, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
        END IF;
    END LOOP;
    PERFORM set_config('app.operator', coalesce(asked_as, ''), true);
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$
"""
POSTGRESQL_SUM = """
CREATE OR REPLACE FUNCTION billing_ledger_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    asked_as text := current_setting('app.operator', true);
    fault boolean;
BEGIN
    PERFORM set_config('app.operator', 'on', true);
    fault := EXISTS (
        SELECT 1 FROM billing_ledgerentry WHERE transaction_id = NEW.transaction_id
        GROUP BY currency HAVING sum(amount) <> 0
    );
    PERFORM set_config('app.operator', coalesce(asked_as, ''), true);
    IF fault THEN
        RAISE EXCEPTION 'ledger transaction % does not sum to zero', NEW.transaction_id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$
"""
