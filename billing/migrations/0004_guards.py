"""The database's own guards around the tables of 0002, and the ones that it had lifted."""

import django.db.models.deletion
from django.db import migrations, models

import billing.guards
import tenants.wall

WALLED = [
    "SubscriptionPhase", "SubscriptionAddOn", "BillingCustomer", "Redemption", "CountedSubject", "CreditGrant",
    "CreditHold", "SpendingCounter", "Alert", "Payment", "CreditNote", "CreditNoteLine", "Refund", "Adjustment",
    "ProviderObject", "CheckoutSession", "ReconciliationItem",
]


class Migration(migrations.Migration):
    dependencies = [("billing", "0003_phases")]
    operations = [
        migrations.AlterField(
            model_name="quotacounter",
            name="phase",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="billing.subscriptionphase"
            ),
        ),
        tenants.wall.BuildWall(WALLED),
        tenants.wall.ExtendWall(["QuotaCounter.phase", "LedgerTransaction.reverses"]),
        tenants.wall.AppendOnly(["UsageEvent", "LedgerTransaction", "LedgerEntry", "CreditNote", "CreditNoteLine"]),
        billing.guards.LedgerSumsToZero(),
        billing.guards.GrantsAddUp(),
        billing.guards.FixOnceClosed(
            "billing_planversion",
            [
                "id", "plan_id", "number", "currency", "interval", "funding", "trial_days", "created_at",
                "published_at",
            ],
            [("published", "retired")],
            [
                ("billing_price", "plan_version_id"),
                ("billing_entitlement", "plan_version_id"),
                ("billing_planfeature", "plan_version_id"),
            ],
        ),
        billing.guards.FixOnceClosed(
            "billing_invoice",
            [
                "id", "tenant_id", "subscription_id", "kind", "issuer", "sequence", "number", "period_start",
                "period_end", "currency", "subtotal", "discount", "tax_percent", "tax_label", "tax", "total",
                "billed_to", "issued_by", "created_at", "closed_at", "due_at",
            ],
            [
                ("open", "paid"), ("open", "void"), ("open", "uncollectible"), ("uncollectible", "paid"),
                ("uncollectible", "void"),
            ],
            [("billing_invoiceline", "invoice_id")],
            [("billing_billedusage", "invoice_id")],
        ),
    ]
