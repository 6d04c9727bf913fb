"""What must hold of the database before tenants may trust it."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections

ROLE = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"


@register(Tags.database)
def role_is_bound_by_the_wall(databases: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Row-level security does not bind a superuser: the application must not connect as one."""
    return [
        Error(
            f"The role of database {alias!r} is exempt from row-level security.",
            hint="Connect as a role without SUPERUSER and BYPASSRLS.",
            id="tenants.E001",
        )
        for alias in databases or []
        if connections[alias].vendor == "postgresql" and _is_exempt(alias)
    ]


def _is_exempt(alias: str) -> bool:
    with connections[alias].cursor() as cursor:
        cursor.execute(ROLE)
        row = cursor.fetchone()
    return bool(row and row[0])
