"""The ORM's part of the tenant wall: queries fail closed without a scope and never leave the tenant in scope."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self, TypeVar
from uuid import UUID

from django.db import models
from django.db.models import sql

from tenants.context import Scope, current_scope

ENFORCED = True
"""The tests of row-level security take this layer away, to show that the database holds alone."""

ModelT = TypeVar("ModelT", bound=models.Model)


class TenantNotSet(RuntimeError):
    """Tenant data was touched outside of `tenant_context` and `operator_context`."""


class WrongTenant(RuntimeError):
    """Code that runs for one tenant reached for another one's data."""


class TenantQuery(sql.Query):
    """A query that refuses to become SQL in another scope than the one it was built for."""

    wall_tenant: UUID | None = None

    def get_compiler(self, using: Any = None, connection: Any = None, elide_empty: bool = True) -> Any:
        scope = current_scope()
        if ENFORCED and not scope.operator:
            label = self.model._meta.label if self.model else "a table"
            if scope.tenant_id is None:
                raise TenantNotSet(f"{label} was queried without a tenant")
            if self.wall_tenant != scope.tenant_id:
                raise WrongTenant(f"{label} was queried by a query built for another scope")
        return super().get_compiler(using, connection, elide_empty)


class TenantQuerySet(models.QuerySet[ModelT]):
    """`for_tenant` is the one door; whoever forgets it still only sees the tenant in scope."""

    def __init__(
        self, model: type[ModelT] | None = None, query: Any = None, using: str | None = None, hints: Any = None
    ) -> None:
        super().__init__(model, query or TenantQuery(model), using, hints)

    def for_tenant(self, tenant: models.Model | UUID) -> Self:
        """The rows of `tenant`. Raises `WrongTenant` when the code runs for another one."""
        tenant_id = tenant if isinstance(tenant, UUID) else tenant.pk
        if not ENFORCED:
            return self.all()
        scope = current_scope()
        if scope.tenant_id not in (None, tenant_id):
            raise WrongTenant(f"{self.model._meta.label} of another tenant was asked for")
        return self._walled(tenant_id)

    def for_tenants(self, tenants: Iterable[UUID]) -> Self:
        """The rows of several tenants: for the operator's code. Raises `WrongTenant` for code that runs for one."""
        ids = set(tenants)
        if not ids:
            return self.none()
        if len(ids) == 1:
            return self.for_tenant(ids.pop())
        if ENFORCED and not current_scope().operator:
            raise WrongTenant(f"{self.model._meta.label} of several tenants was asked for")
        return self.filter(tenant_id__in=ids)

    def _walled(self, tenant_id: UUID) -> Self:
        walled = self.filter(tenant_id=tenant_id)
        walled.query.wall_tenant = tenant_id  # type: ignore[attr-defined]
        return walled

    def raw(self, *args: Any, **kwargs: Any) -> Any:
        """SQL of one's own can not be filtered: only the operator's code may use it."""
        if ENFORCED and not current_scope().operator:
            raise TenantNotSet(f"raw SQL over {self.model._meta.label} needs the operator's scope")
        return super().raw(*args, **kwargs)

    def update(self, **values: Any) -> int:
        require_scope(self.model)
        return super().update(**values)

    def _update(self, values: Any) -> int:
        require_scope(self.model)
        return super()._update(values)  # type: ignore[misc, no-any-return]

    def delete(self) -> tuple[int, dict[str, int]]:
        require_scope(self.model)
        return super().delete()

    def _raw_delete(self, using: str | None) -> int:
        require_scope(self.model)
        return super()._raw_delete(using)

    def _insert(self, objs: Iterable[ModelT], *args: Any, **kwargs: Any) -> Any:
        objects = list(objs)
        for instance in objects:
            require_own(instance)
        return super()._insert(objects, *args, **kwargs)  # type: ignore[misc]


class TenantManager(models.Manager.from_queryset(TenantQuerySet)):  # type: ignore[misc]
    """Default and base manager of every tenant model: filters by the tenant in scope, related objects included."""

    def get_queryset(self) -> TenantQuerySet[Any]:
        queryset: TenantQuerySet[Any] = super().get_queryset()
        tenant_id = current_scope().tenant_id
        return queryset._walled(tenant_id) if ENFORCED and tenant_id else queryset


def require_scope(model: type[models.Model]) -> Scope:
    """The scope that writes to `model`; raises `TenantNotSet` where there is none."""
    scope = current_scope()
    if ENFORCED and not scope.operator and scope.tenant_id is None:
        raise TenantNotSet(f"{model._meta.label} was written without a tenant")
    return scope


def require_own(instance: models.Model) -> None:
    """Refuse a row that is not of the tenant in scope."""
    scope = require_scope(type(instance))
    if ENFORCED and not scope.operator and getattr(instance, "tenant_id", None) != scope.tenant_id:
        raise WrongTenant(f"a {instance._meta.label} of another tenant was written")
