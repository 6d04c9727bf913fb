"""What was sold before there were phases and currencies of prices gets both."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

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


class Migration(migrations.Migration):
    dependencies = [("billing", "0002_money")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
