"""Many rows that look like real ones: copies of one that the product wrote, made by the database itself."""

from __future__ import annotations

from typing import Any

from django.db import connection, models


class Sql(str):
    """A value that the database makes; `n` is the number of the copy."""


def numbered(prefix: str) -> Sql:
    """An id or a name for each copy: two hexadecimal digits that tell the table, and the number."""
    if connection.vendor == "sqlite":
        return Sql(f"'{prefix}' || printf('%%030x', n)")
    return Sql(f"'{prefix}' || lpad(to_hex(n), 30, '0')")


def copies(row: models.Model, first: int, count: int, **values: Any) -> None:
    """Copy a row `count` times; each column as in `values`, by field name, else as it is."""
    fields = row._meta.concrete_fields
    chosen = [_expression(each, values) for each in fields]
    table, key = row._meta.db_table, row._meta.pk
    assert key is not None
    columns = ", ".join(f'"{each.column}"' for each in fields)
    statement = (
        "WITH RECURSIVE series(n) AS (SELECT %s UNION ALL SELECT n + 1 FROM series WHERE n < %s) "
        f'INSERT INTO "{table}" ({columns}) SELECT {", ".join(sql for sql, _ in chosen)} '
        f'FROM "{table}" AS t, series WHERE t."{key.column}" = %s'
    )
    params = [first, first + count - 1, *(value for _, given in chosen for value in given), _stored(key, row.pk)]
    with connection.cursor() as cursor:
        cursor.execute(statement, params)


def _expression(column: Any, values: dict[str, Any]) -> tuple[str, list[Any]]:
    if column.name not in values:
        return f't."{column.column}"', []
    value = values[column.name]
    if isinstance(value, Sql):
        uuid = connection.vendor == "postgresql" and column.db_type(connection) == "uuid"
        return f"({value})::uuid" if uuid else f"({value})", []
    cast = f"::{column.db_type(connection)}" if connection.vendor == "postgresql" else ""
    return f"%s{cast}", [_stored(column, value)]


def _stored(column: Any, value: Any) -> Any:
    return column.get_db_prep_save(value, connection)


def settle_down() -> None:
    """Let the database know how many rows there are."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
