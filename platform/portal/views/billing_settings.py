"""Who pays and how: name and address on invoices, spending caps, payment method, alerts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing import alerts, checkouts, customers
from billing.domain.money import in_major_units
from billing.models import Alert, BillingCustomer
from portal import warnings
from portal.amounts import optional_minor_units
from portal.base import find, own
from portal.paying import MoneyView, PayView, go
from tenants.ids import encode


class Details(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable when it runs
    """What stands on invoices. The tax rate is the operator's."""

    class Meta:
        model = BillingCustomer
        fields = ("name", "email", "line1", "line2", "postal_code", "city", "country", "tax_id")
        labels = {"country": gettext_lazy("country, two letters")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.widget.attrs |= {"class": "form-control", "autocomplete": COMPLETION.get(name, "off")}

    def clean_country(self) -> str:
        country: str = self.cleaned_data["country"].strip().upper()
        if country and not (len(country) == 2 and country.isascii() and country.isalpha()):
            raise ValidationError(_("Two letters, for example DE or CN."))
        return country


COMPLETION = {
    "name": "organization", "email": "email", "line1": "address-line1", "line2": "address-line2",
    "postal_code": "postal-code", "city": "address-level2", "country": "country",
}  # fmt: skip
"""What a browser may fill in for whom."""


class Billing(MoneyView):
    """The page, and the form of name and address on it."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.shown(request, Details(instance=customers.of(self.tenant.id)))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = Details(request.POST, instance=customers.of(self.tenant.id))
        if not form.is_valid():
            form.instance.refresh_from_db()
            return self.shown(request, form)
        customers.update_details(self.tenant.id, actor=self.actor, **form.cleaned_data)
        messages.success(request, _("Saved. It stands on invoices from now on."))
        return redirect("portal:billing")

    def shown(self, request: HttpRequest, form: Details) -> HttpResponse:
        customer = customers.of(self.tenant.id)
        currency = self.currency
        return self.page(
            request,
            "billing.html",
            form=form,
            customer=customer,
            currency=currency,
            soft=major(customer.soft_cap, currency),
            hard=major(customer.hard_cap, currency),
            alerts=[(encode("alr", one.id), one, warnings.sentence(one, currency)) for one in open_ones(self)],
        )


class Caps(MoneyView):
    """Set both caps; an empty field takes its cap away."""

    def post(self, request: HttpRequest) -> HttpResponse:
        soft, hard = (optional_minor_units(request.POST.get(name, ""), self.currency) for name in ("soft", "hard"))
        customers.set_caps(self.tenant.id, soft=soft, hard=hard, actor=self.actor)
        messages.success(request, _("The spending caps are set."))
        return redirect("portal:billing")


class DismissAlert(MoneyView):
    """Note that somebody has seen an alert."""

    def post(self, request: HttpRequest, identity: str) -> HttpResponse:
        open_ones = {each.id: each for each in alerts.open_alerts(self.tenant.id)}
        seen = own(open_ones.get(find("alr", identity)))
        for each in open_ones.values():
            if about(each) == about(seen) and each.threshold <= seen.threshold:
                alerts.dismiss(self.tenant.id, each.id)
        return redirect("portal:billing")


class PaymentMethod(PayView):
    """On to the page where a payment method is left."""

    def post(self, request: HttpRequest) -> HttpResponse:
        back = self.address("portal:billing")
        return go(request, checkouts.set_up_payment(self.tenant.id, actor=self.actor, return_url=back).url)


class ProviderPortal(PayView):
    """On to the provider's own page about cards and receipts, where it has one."""

    def post(self, request: HttpRequest) -> HttpResponse:
        url = checkouts.portal_url(self.tenant.id, self.address("portal:billing"))
        return go(request, url) if url else redirect("portal:billing")


def about(alert: Alert) -> tuple[str, str, datetime]:
    """What an alert is about: of a quota at 80 % nobody needs to read that it was at 50."""
    return alert.kind, alert.subject, alert.period_start


def open_ones(view: MoneyView) -> list[Alert]:
    """The alerts that nobody has dismissed, of each matter the furthest, the latest first."""
    furthest: dict[tuple[str, str, datetime], Alert] = {}
    for each in sorted(alerts.open_alerts(view.tenant.id), key=lambda each: each.threshold):
        furthest[about(each)] = each
    return sorted(furthest.values(), key=lambda each: each.raised_at, reverse=True)


def major(amount: int | None, currency: str) -> str:
    """A cap as its field shows it."""
    return "" if amount is None else str(in_major_units(amount, currency))
