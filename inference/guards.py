"""What the database itself refuses about results: acts after the signature, and addenda before it."""

from __future__ import annotations

from billing.guards import Guard

CLOSED = (("inference_review", "IS NOT NULL"), ("inference_addendum", "IS NULL"))
"""Tables that refuse new rows, and how the result's signature must stand for it."""


class SignatureCloses(Guard):
    """After the signature no act of review is written; before it, no addendum.

    On PostgreSQL both sides lock the result's row: an act and a signature at one moment come one after the other.
    """

    def describe(self) -> str:
        return "Refuse acts on a signed result, and addenda to one that is not"

    def postgresql(self) -> list[str]:
        statements = [POSTGRESQL_CLOSED]
        for table, refused in (*CLOSED, ("inference_signature", "")):
            statements += [
                f"DROP TRIGGER IF EXISTS {table}_closed ON {table}",
                f"CREATE TRIGGER {table}_closed BEFORE INSERT ON {table}"
                f" FOR EACH ROW EXECUTE FUNCTION inference_refuse_closed('{refused}')",
            ]
        return statements

    def sqlite(self) -> list[str]:
        statements = []
        for table, refused in CLOSED:
            signature = "(SELECT id FROM inference_signature WHERE result_id = NEW.result_id)"
            statements += [
                f"DROP TRIGGER IF EXISTS {table}_closed",
                f"CREATE TRIGGER {table}_closed BEFORE INSERT ON {table} WHEN {signature} {refused}"
                f" BEGIN SELECT RAISE(ABORT, 'closed: {table}'); END",
            ]
        return statements


# app.operator is put on for the look, and back: what is judged has to be seen, whoever asks
POSTGRESQL_CLOSED = """
CREATE OR REPLACE FUNCTION inference_refuse_closed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    asked_as text := current_setting('app.operator', true);
    signed boolean;
BEGIN
    PERFORM set_config('app.operator', 'on', true);
    PERFORM 1 FROM inference_result WHERE id = NEW.result_id FOR NO KEY UPDATE;
    signed := EXISTS (SELECT 1 FROM inference_signature WHERE result_id = NEW.result_id);
    PERFORM set_config('app.operator', coalesce(asked_as, ''), true);
    IF (TG_ARGV[0] = 'IS NOT NULL' AND signed) OR (TG_ARGV[0] = 'IS NULL' AND NOT signed) THEN
        RAISE EXCEPTION 'closed: %', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$
"""
