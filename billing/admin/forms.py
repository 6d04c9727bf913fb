"""Forms of the operator's acts on customers and their money."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminEmailInputWidget, UnfoldAdminSingleDateWidget

from billing.admin.fields import WHEN, ActForm, choice, integer, money_field, reason, text
from billing.domain.money import in_major_units, plain
from billing.models import BillingCustomer, CreditNote, InvoiceLine, Plan, PlanVersion, VersionState
from tenants.models import Tenant


class ReasonForm(ActForm):
    """Why."""

    reason = reason()


class AmountForm(ActForm):
    """An amount of the row's currency, above zero; `amount` is cleaned to whole minor units."""

    amount = money_field("Amount", min_value=Decimal("0.001"))

    def currency(self) -> str:
        return str(self.row.currency)

    def begin(self, row: Any) -> None:
        self.fields["amount"].label = f"Amount, {self.currency().upper()}"
        if (most := self.most(row)) is not None:
            self.fields["amount"].initial = in_major_units(most, self.currency())

    def most(self, row: Any) -> int | None:
        """What the amount begins with, minor units."""
        return None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if "amount" in cleaned:
            cleaned["amount"] = self.in_minor_units("amount", self.currency())
        return cleaned


class PaymentForm(AmountForm):
    """Money that came by another way than a provider."""

    method = choice("How it came", [("bank_transfer", "Bank transfer"), ("cash", "Cash"), ("manual", "Other")])
    reference = text("Reference", max_length=100, required=False, help_text="As the bank statement has it.")

    def most(self, row: Any) -> int | None:
        return int(row.amount_due)


class RefundForm(AmountForm):
    """Money back from one payment."""

    credit_note = choice("For the credit note", required=False)
    reason = reason()

    def begin(self, row: Any) -> None:
        super().begin(row)
        notes = CreditNote.objects.filter(invoice=row.invoice_id)
        options = [("", "None"), *((str(each.pk), each.number) for each in notes)]
        self.fields["credit_note"].choices = options  # type: ignore[attr-defined]

    def most(self, row: Any) -> int | None:
        return int(row.amount - row.refunded)


class CreditNoteForm(ReasonForm):
    """What is taken off each line, as the line shows it: before discount and tax. `amounts` is by the line's id."""

    def begin(self, row: Any) -> None:
        self.lines: list[InvoiceLine] = list(row.lines.all())
        for line in self.lines:
            shown = f"{line.position}. {line.description} ({in_major_units(line.amount, row.currency)})"
            self.fields[_field_of(line)] = money_field(shown, required=False)
        self.order_fields([name for name in self.fields if name != "reason"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        found = {line.pk: self.in_minor_units(_field_of(line), self.row.currency) for line in self.lines}
        cleaned["amounts"] = {line: amount for line, amount in found.items() if amount}
        if not cleaned["amounts"] and not self.errors:
            raise ValidationError("Write an amount for at least one line.")
        return cleaned


def _field_of(line: InvoiceLine) -> str:
    return f"line_{line.position}"


class GrantForm(AmountForm):
    """Credits that are given away."""

    expires_on = forms.DateField(
        label="Expires on", required=False, widget=UnfoldAdminSingleDateWidget(), help_text="From this day on, UTC."
    )
    reason = reason()

    def currency(self) -> str:
        return str(self.row.currency or "usd")


class SaleForm(AmountForm):
    """Credits that the customer has ordered."""

    def currency(self) -> str:
        return str(self.row.currency or "usd")


class DetailsForm(ActForm):
    """Who is billed, and by which tax."""

    name = text("Name on invoices", max_length=150, required=False)
    email = forms.EmailField(label="E-mail for invoices", required=False, widget=UnfoldAdminEmailInputWidget())
    line1 = text("Address", max_length=150, required=False)
    line2 = text("Address, second line", max_length=150, required=False)
    postal_code = text("Postal code", max_length=20, required=False)
    city = text("City", max_length=100, required=False)
    country = text("Country", max_length=2, required=False, help_text="Two letters, as DE")
    tax_percent = forms.DecimalField(
        label="Tax rate, %", min_value=0, max_value=100, max_digits=18, decimal_places=6,
        widget=UnfoldAdminDecimalFieldWidget(),
    )  # fmt: skip
    tax_label = text("Name of the tax", max_length=32, required=False, help_text="As VAT")
    tax_id = text("Tax number", max_length=40, required=False)

    def begin(self, row: Any) -> None:
        for name, field in self.fields.items():
            value = getattr(row, name)
            field.initial = plain(value) if isinstance(value, Decimal) else value


class CapsForm(ActForm):
    """Both caps; an empty one does not limit. Cleaned to whole minor units or None."""

    soft = money_field("Soft cap: warns", required=False, min_value=0)
    hard = money_field("Hard cap: refuses new work", required=False, min_value=0)

    def begin(self, row: Any) -> None:
        for name, cap in (("soft", row.soft_cap), ("hard", row.hard_cap)):
            self.fields[name].initial = None if cap is None else in_major_units(cap, row.currency or "usd")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        return {name: self.in_minor_units(name, self.row.currency or "usd") for name in cleaned}


class CouponCodeForm(ActForm):
    """A coupon's code."""

    code = text("Code", max_length=40)


class TenantForm(ActForm):
    """A tenant that has no row of its own yet."""

    tenant = choice("Tenant")

    def begin(self, row: Any) -> None:
        known = BillingCustomer.objects.values("tenant")
        rows = Tenant.objects.exclude(pk__in=known).order_by("name")
        self.fields["tenant"].choices = [(str(each.pk), each.name) for each in rows]  # type: ignore[attr-defined]

    def clean_tenant(self) -> UUID:
        return UUID(self.cleaned_data["tenant"])


class PlanForm(ActForm):
    """A plan on offer, now or at the period's end."""

    plan = choice("Plan")
    when = choice("When", WHEN)

    def begin(self, row: Any) -> None:
        on_offer = Plan.objects.filter(versions__state=VersionState.PUBLISHED, is_addon=False, is_trial=False)
        choices = [(each.slug, each.name) for each in on_offer.exclude(pk=row.plan_version.plan_id)]
        self.fields["plan"].choices = choices  # type: ignore[attr-defined]


class WhenForm(ActForm):
    """Now, or at the period's end."""

    when = choice("When", WHEN)


class AddOnForm(ActForm):
    """An add-on on offer."""

    plan = choice("Add-on")
    quantity = integer("How many", min_value=1, max_value=1000, initial=1)

    def begin(self, row: Any) -> None:
        on_offer = PlanVersion.objects.filter(state=VersionState.PUBLISHED, plan__is_addon=True)
        choices = [(each.plan.slug, each.plan.name) for each in on_offer.select_related("plan")]
        self.fields["plan"].choices = choices  # type: ignore[attr-defined]


class SubscribeForm(ActForm):
    """Any tenant, and a plan on offer."""

    tenant = choice("Tenant")
    plan = choice("Plan")

    def begin(self, row: Any) -> None:
        tenants = [(str(each.pk), each.name) for each in Tenant.objects.order_by("name")]
        on_offer = Plan.objects.filter(versions__state=VersionState.PUBLISHED, is_addon=False)
        self.fields["tenant"].choices = tenants  # type: ignore[attr-defined]
        self.fields["plan"].choices = [(each.slug, each.name) for each in on_offer]  # type: ignore[attr-defined]

    def clean_tenant(self) -> UUID:
        return UUID(self.cleaned_data["tenant"])


class GrantToForm(ActForm):
    """Credits for a customer who is named; cleaned to `customer` and whole minor units of the customer's currency."""

    customer = choice("Customer")
    amount = money_field("Amount, in the customer's currency", min_value=Decimal("0.001"))
    expires_on = GrantForm.base_fields["expires_on"]
    reason = reason()

    def begin(self, row: Any) -> None:
        self.customers = {str(each.pk): each for each in BillingCustomer.objects.select_related("tenant")}
        choices = [(pk, f"{each.tenant.name}, {each.currency or 'usd'}") for pk, each in self.customers.items()]
        self.fields["customer"].choices = sorted(choices, key=lambda each: each[1])  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        customer = self.customers.get(cleaned.get("customer", ""))
        if customer is not None and "amount" in cleaned:
            cleaned["customer"] = customer
            cleaned["amount"] = self.in_minor_units("amount", customer.currency or "usd")
        return cleaned
