"""Tenants, users, keys and the audit log for the operator."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as BaseUserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from tenants import accounts, keys
from tenants.admin_base import Operated, ShownAdmin, ShownInline, operator
from tenants.models import ApiKey, AuditEvent, Membership, Tenant, TenantStatus, User


class MembershipInline(ShownInline):
    """Who belongs to a tenant."""

    model = Membership
    fields = ["user", "role"]


@admin.register(Tenant)
class TenantAdmin(Operated, ModelAdmin):  # type: ignore[misc]
    """Tenants are made by `manage.py tenant create`, which makes all that belongs to one."""

    list_display = ["name", "status", "language", "weight", "created_at"]
    list_filter = ["status"]
    search_fields = ["name"]
    readonly_fields = ["status", "created_at"]
    inlines = [MembershipInline]
    actions = ["suspend", "resume"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.action(permissions=["operate"], description="Suspend: results stay readable, no new work")
    def suspend(self, request: HttpRequest, chosen: QuerySet[Tenant]) -> None:
        for tenant in chosen:
            accounts.set_status(tenant, TenantStatus.SUSPENDED, actor=operator(request))

    @admin.action(permissions=["operate"], description="Resume")
    def resume(self, request: HttpRequest, chosen: QuerySet[Tenant]) -> None:
        for tenant in chosen:
            accounts.set_status(tenant, TenantStatus.ACTIVE, actor=operator(request))


@admin.register(User)
class UserAdmin(BaseUserAdmin, ModelAdmin):  # type: ignore[misc, type-arg]
    """People; passwords are never shown, a forgotten one is replaced by the form behind the field."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm

    list_display = ["email", "name", "is_staff", "is_active", "last_login"]
    search_fields = ["email", "name"]
    list_filter = ["is_staff", "is_active"]
    ordering = ["email"]
    fieldsets = [
        (None, {"fields": ["email", "password", "name", "language"]}),
        ("Access", {"fields": ["is_active", "is_staff", "is_superuser", "groups", "last_login"]}),
    ]
    add_fieldsets = [(None, {"fields": ["email", "password1", "password2"]})]
    filter_horizontal = ["groups"]
    readonly_fields = ["last_login"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(ApiKey)
class ApiKeyAdmin(ShownAdmin):
    """Keys; their secrets are stored nowhere."""

    list_display = ["prefix", "name", "tenant", "scopes", "last_used_at", "expires_at", "revoked_at"]
    search_fields = ["prefix", "name", "tenant__name"]
    exclude = ["secret_sha256"]
    actions = ["revoke"]

    @admin.action(permissions=["operate"], description="Revoke")
    def revoke(self, request: HttpRequest, chosen: QuerySet[ApiKey]) -> None:
        for key in chosen:
            keys.revoke(key, actor=operator(request))


@admin.register(AuditEvent)
class AuditAdmin(ShownAdmin):
    """The audit log; `manage.py audit verify` checks that it is whole."""

    list_display = ["at", "tenant", "sequence", "action", "actor", "subject"]
    list_filter = ["action"]
    search_fields = ["subject", "actor", "request_id"]
    ordering = ["-at"]
