"""What the operator's forms are made of. Money is written in the currency's own units, read as whole minor units."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from billing.domain.money import MINOR_DIGITS, exact_arithmetic

LONGEST_REASON = 300
NOW, PERIOD_END = "now", "period_end"
WHEN = [(PERIOD_END, "When the period ends"), (NOW, "Now")]


def text(label: str, **options: Any) -> forms.CharField:
    return forms.CharField(label=label, widget=UnfoldAdminTextInputWidget(), **options)


def reason() -> forms.CharField:
    """Kept with the act, and in the audit log."""
    return forms.CharField(label="Reason", widget=UnfoldAdminTextareaWidget({"rows": 3}), max_length=LONGEST_REASON)


def choice(label: str, choices: Any = (), **options: Any) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=choices, widget=UnfoldAdminSelectWidget(), **options)


def integer(label: str, **options: Any) -> forms.IntegerField:
    return forms.IntegerField(label=label, widget=UnfoldAdminIntegerFieldWidget(), **options)


def money_field(label: str, **options: Any) -> forms.DecimalField:
    return forms.DecimalField(label=label, widget=UnfoldAdminDecimalFieldWidget(), max_digits=20, **options)


class ActForm(forms.Form):
    """Begins with what the row says; `row` is None where the act makes something."""

    def __init__(self, data: Any = None, *, row: Any = None) -> None:
        super().__init__(data)
        self.row = row
        self.begin(row)

    def begin(self, row: Any) -> None:
        """Set choices and first values by the row."""

    def in_minor_units(self, name: str, currency: str) -> int | None:
        """A field's amount; an error of the field where it is finer than the currency."""
        amount: Decimal | None = self.cleaned_data.get(name)
        if amount is None:
            return None
        with exact_arithmetic():
            minor = amount.scaleb(MINOR_DIGITS.get(currency.lower(), 2))
        if minor != minor.to_integral_value():
            self.add_error(name, f"{currency.upper()} has no such small part")
            return None
        return int(minor)
