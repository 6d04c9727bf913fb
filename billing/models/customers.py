"""A tenant as the one who pays: currency, tax, address, caps, and who collects."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing.fields import QuantityField
from tenants.models import TenantModel


class BillingCustomer(TenantModel):
    """One for each tenant. `currency` is fixed with the first subscription, `provider` when the row is made.

    Caps are minor units a period of what is charged on invoices for use, before tax: a soft one only warns, a hard one
    refuses new work. `payment_method` is a text to show, as "visa 4242"; nothing of a card is stored.
    """

    currency = models.CharField(_("currency"), max_length=3, blank=True)
    tax_percent = QuantityField(_("tax rate, %"), default=0)
    tax_label = models.CharField(_("name of the tax"), max_length=32, blank=True)
    tax_id = models.CharField(_("tax number"), max_length=40, blank=True)
    name = models.CharField(_("name on invoices"), max_length=150, blank=True)
    email = models.EmailField(_("e-mail for invoices"), blank=True)
    line1 = models.CharField(_("address"), max_length=150, blank=True)
    line2 = models.CharField(_("address, second line"), max_length=150, blank=True)
    city = models.CharField(_("city"), max_length=100, blank=True)
    postal_code = models.CharField(_("postal code"), max_length=20, blank=True)
    country = models.CharField(_("country"), max_length=2, blank=True)
    soft_cap = models.BigIntegerField(_("soft spending cap"), null=True, blank=True)
    hard_cap = models.BigIntegerField(_("hard spending cap"), null=True, blank=True)
    provider = models.CharField(_("provider"), max_length=16, default="local")
    external_id = models.CharField(_("id at the provider"), max_length=100, blank=True)
    livemode = models.BooleanField(_("real money"), default=False)
    payment_method = models.CharField(_("payment method"), max_length=60, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(TenantModel.Meta):
        abstract = False
        constraints = [
            models.UniqueConstraint(fields=["tenant"], name="billing_customer_once"),
            models.UniqueConstraint(
                fields=["provider", "external_id"],
                condition=~models.Q(external_id=""),
                name="billing_customer_external",
            ),
            models.CheckConstraint(
                condition=(models.Q(soft_cap__isnull=True) | models.Q(soft_cap__gte=0))
                & (models.Q(hard_cap__isnull=True) | models.Q(hard_cap__gte=0)),
                name="billing_customer_caps_not_negative",
            ),
            models.CheckConstraint(condition=models.Q(tax_percent__gte=0), name="billing_customer_tax_not_negative"),
        ]

    def __str__(self) -> str:
        return self.name or str(self.tenant_id)
