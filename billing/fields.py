"""Exact decimals on both databases.

PostgreSQL has them: `numeric`. SQLite has not: its NUMERIC columns turn a fraction into a binary float. There a
quantity is kept as a whole number of millionths, so that the database can add and compare it, and an amount as text
of fixed form, which holds all 38 digits; `ExactSum` adds such text. Amounts are compared and ordered in Python.
"""

from __future__ import annotations

from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from billing.domain.money import EXACT, ZERO, plain


class ExactField(models.DecimalField):  # type: ignore[type-arg]  # not subscriptable when it runs
    """A decimal that is stored to the last digit or refused with an `ArithmeticError`; never rounded."""

    sqlite_type = ""

    def get_internal_type(self) -> str:
        """Its own name, so that no database backend takes it for the decimal it converts by way of a float."""
        return type(self).__name__

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        if connection.vendor == "sqlite":
            return self.sqlite_type
        return f"numeric({self.max_digits}, {self.decimal_places})"

    def get_prep_value(self, value: Any) -> Any:
        if value is None or hasattr(value, "as_sql"):
            return value
        if isinstance(value, float):
            raise TypeError("a float is not exact")
        number = Decimal(value)
        if not number.is_finite():
            raise InvalidOperation(f"{number} is no amount")
        fitting = Context(prec=self.max_digits, traps=[Inexact, InvalidOperation])
        return fitting.quantize(number, Decimal(1).scaleb(-self.decimal_places))

    def get_db_prep_value(self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False) -> Any:
        exact = value if prepared else self.get_prep_value(value)
        if connection.vendor == "sqlite" and isinstance(exact, Decimal):
            return self.to_sqlite(exact)
        return exact

    def from_db_value(self, value: Any, expression: Any, connection: BaseDatabaseWrapper) -> Decimal | None:
        if value is None:
            return None
        return plain(self.from_sqlite(value) if connection.vendor == "sqlite" else value)

    def to_sqlite(self, value: Decimal) -> Any:
        raise NotImplementedError

    def from_sqlite(self, value: Any) -> Decimal:
        raise NotImplementedError


class QuantityField(ExactField):
    """Units of use, to the millionth."""

    sqlite_type = "bigint"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"max_digits": 18, "decimal_places": 6, **kwargs})

    def to_sqlite(self, value: Decimal) -> int:
        return int(EXACT.scaleb(value, self.decimal_places))

    def from_sqlite(self, value: Any) -> Decimal:
        return EXACT.scaleb(Decimal(int(value)), -self.decimal_places)


class AmountField(ExactField):
    """Minor units of money: 12 digits of a unit price times 6 of a quantity make 18 after the point."""

    sqlite_type = "text"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"max_digits": 38, "decimal_places": 18, **kwargs})

    def to_sqlite(self, value: Decimal) -> str:
        return format(value, "f")

    def from_sqlite(self, value: Any) -> Decimal:
        return Decimal(value)


class ExactSum(models.Sum):
    """`Sum` of an `AmountField`, exact on SQLite too; None over no rows."""

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, function="EXACT_SUM", **context)


class _SqliteSum:
    """SQLite's aggregate protocol: one object for a group of rows."""

    def __init__(self) -> None:
        self.sum: Decimal | None = None

    def step(self, value: str | None) -> None:
        if value is not None:
            self.sum = EXACT.add(self.sum or ZERO, Decimal(value))

    def finalize(self) -> str | None:
        return None if self.sum is None else format(self.sum, "f")


def register_exact_sum(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Receiver of `connection_created`."""
    if connection.vendor == "sqlite":
        connection.connection.create_aggregate("EXACT_SUM", 1, _SqliteSum)
