"""What was sold before there were phases, currencies of prices, payments and terms of payment gets them."""

from datetime import timedelta

from django.apps.registry import Apps
from django.conf import settings
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.utils import timezone

from tenants.context import operator_context


def fill(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    models = {name: apps.get_model("billing", name) for name in ("Subscription", "SubscriptionPhase", "QuotaCounter")}
    with operator_context():
        for subscription in models["Subscription"].objects.select_related("plan_version__plan"):
            subscription.currency = subscription.plan_version.currency
            subscription.save(update_fields=["currency"])
            phase = models["SubscriptionPhase"].objects.create(
                tenant_id=subscription.tenant_id, subscription=subscription, plan_version=subscription.plan_version,
                starts_at=subscription.anchor, ends_at=subscription.canceled_at,
                kind="trial" if subscription.plan_version.plan.is_trial else "charged",
            )  # fmt: skip
            models["QuotaCounter"].objects.filter(subscription=subscription).update(phase=phase)
        for version in apps.get_model("billing", "PlanVersion").objects.exclude(currency="usd"):
            version.prices.update(currency=version.currency)


def fill_invoices(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Addresses for all, and a full term from now on for what is open: nobody is late by the upgrade."""
    with operator_context():
        closed = apps.get_model("billing", "Invoice").objects.exclude(state="draft").select_related("tenant")
        for invoice in closed.filter(billed_to={}):
            invoice.billed_to, invoice.issued_by = {"name": invoice.tenant.name}, dict(settings.ASSAY_ISSUER)
            if invoice.state == "open":
                invoice.due_at = timezone.now() + timedelta(days=settings.ASSAY_INVOICE_DAYS)
            invoice.save(update_fields=["billed_to", "issued_by", "due_at"])
    fill_payments(apps, schema_editor)


def fill_payments(apps: Apps, schema_editor: BaseDatabaseSchemaEditor | None) -> None:
    """An invoice that was marked as paid was paid in full; the ledger has it already."""
    with operator_context():
        unpaid = apps.get_model("billing", "Invoice").objects.filter(state="paid", total__gt=0)
        for invoice in unpaid.filter(amount_paid=0, amount_credited=0):
            apps.get_model("billing", "Payment").objects.create(
                tenant_id=invoice.tenant_id, invoice=invoice, amount=invoice.total, currency=invoice.currency,
                received_at=invoice.paid_at or invoice.closed_at, recorded_by="billing",
            )  # fmt: skip
            invoice.amount_paid = invoice.total
            invoice.save(update_fields=["amount_paid"])


class Migration(migrations.Migration):
    dependencies = [("billing", "0002_money")]
    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.RunPython(fill_invoices, migrations.RunPython.noop),
    ]
