"""On whose behalf the code runs: one tenant, or the operator across tenants; nobody by default.

Each scope is a database transaction. On PostgreSQL the scope is announced by a transaction-local setting that the
row-level security policies read; local, because a session-level setting leaks to the next client of a pooler.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID

from django.db import connection, transaction


@dataclass(frozen=True, slots=True)
class Scope:
    """`tenant_id` is the only tenant in sight; `operator` sees all and says so explicitly."""

    tenant_id: UUID | None = None
    operator: bool = False


NOBODY = Scope()
_scope: ContextVar[Scope] = ContextVar("tenant_scope", default=NOBODY)


def current_scope() -> Scope:
    return _scope.get()


@contextmanager
def tenant_context(tenant_id: UUID) -> Iterator[None]:
    """Run as one tenant, in one transaction: no row of another tenant can be read or written."""
    with _scoped(Scope(tenant_id=tenant_id)):
        yield


@contextmanager
def operator_context() -> Iterator[None]:
    """Run across tenants, in one transaction: engine, sweeper, admin, and the look-up of a credential."""
    with _scoped(Scope(operator=True)):
        yield


@contextmanager
def _scoped(scope: Scope) -> Iterator[None]:
    outer = _scope.get()
    nested = connection.in_atomic_block
    # of the connection, not of the context: a thread may inherit a scope of which its own connection knows nothing
    announced = getattr(connection, "announced_scope", None) if nested else None
    with transaction.atomic():
        token = _scope.set(scope)
        try:
            if announced != scope:
                _announce(scope)
            connection.announced_scope = scope  # type: ignore[attr-defined]
            yield
        finally:
            _scope.reset(token)
            connection.announced_scope = announced  # type: ignore[attr-defined]
        if nested and announced != scope and not connection.needs_rollback:
            # releasing a savepoint keeps a local setting, rolling it back does not: so restore only here
            _announce(outer)


def _announce(scope: Scope) -> None:
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('app.tenant', %s, true), set_config('app.operator', %s, true)",
            [str(scope.tenant_id or ""), "on" if scope.operator else ""],
        )
