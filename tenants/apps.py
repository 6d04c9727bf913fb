"""Who: users, tenants, memberships, API keys, audit; and the wall between tenants."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class TenantsConfig(AppConfig):
    """The app."""

    name = "tenants"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        import_module("tenants.checks")
