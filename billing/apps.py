"""What it costs: plans, quotas, usage, ledger, invoices."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate

from billing.fields import register_exact_sum


class BillingConfig(AppConfig):
    """The app."""

    name = "billing"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Teach SQLite exact sums, and put the standard plans there after each migration."""
        # models can not be imported before this moment
        seeds = import_module("billing.seeds")
        import_module("billing.checks")
        connection_created.connect(register_exact_sum, dispatch_uid="billing.exact_sum")
        post_migrate.connect(seeds.after_migrate, sender=self, dispatch_uid="billing.seeds")
