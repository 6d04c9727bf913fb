"""Forms of the catalogue: prices of a draft, with their tiers as JSON, and coupons; faults are told by field."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminTextareaWidget

from billing.domain.price_json import tiers_from_json
from billing.domain.rating import InvalidPrice
from billing.models import Coupon, CouponDuration, CouponKind, Price


class TiersField(forms.JSONField):
    """Tiers as JSON; numbers keep the digits that were written, and a fault names its place."""

    def to_python(self, value: Any) -> Any:
        if value in self.empty_values:
            return []
        try:
            rows = json.loads(value, parse_float=str, parse_int=str) if isinstance(value, str) else value
        except (ValueError, RecursionError) as error:
            raise ValidationError(f"This is not JSON: {error}") from error
        try:
            tiers_from_json(rows)
        except InvalidPrice as error:
            raise ValidationError(str(error)) from error
        return rows


class PriceForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable when it runs
    """A price of a draft."""

    tiers = TiersField(
        required=False, widget=UnfoldAdminTextareaWidget({"rows": 3}),
        help_text='[{"up_to": 100, "unit_amount": "0"}, {"up_to": null, "unit_amount": "2.5", "flat_amount": "0"}]',
    )  # fmt: skip

    class Meta:
        model = Price
        fields = ["meter", "plugin", "currency", "model", "amount", "tiers", "package_size", "free_units"]
        help_texts = {
            "meter": "Empty: the fee of a period.",
            "plugin": "A plugin's slug, or * for every plugin.",
            "amount": "In minor units: 24900 is 249.00 USD. Of a unit, a package or a period; tiers have their own.",
        }


class CouponForm(forms.ModelForm):  # type: ignore[type-arg]
    """A new coupon. Its amount is whole minor units, as 500 for 5.00 USD."""

    class Meta:
        model = Coupon
        fields = [
            "code", "kind", "percent", "amount", "currency", "duration", "periods", "plan", "max_redemptions",
            "expires_at",
        ]  # fmt: skip
        help_texts = {
            "percent": "Of a percent coupon: from above 0 up to 100.",
            "amount": "Of an amount coupon: whole minor units, as 500 for 5.00 USD.",
            "currency": "Of an amount coupon: three small letters, as usd.",
            "periods": "How many, where it counts for a number of invoices.",
            "plan": "Only for this plan; empty for all.",
        }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for name, fault in coupon_faults(cleaned):
            self.add_error(name, fault)
        return cleaned


def coupon_faults(given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What the database would refuse, by field."""
    percent, amount, currency = given.get("percent") or 0, given.get("amount") or 0, given.get("currency") or ""
    if given.get("kind") == CouponKind.PERCENT:
        if not 0 < percent <= 100:
            yield "percent", "A percent coupon takes more than 0 and at most 100 percent."
        if amount:
            yield "amount", "A percent coupon has no amount."
    else:
        if amount <= 0:
            yield "amount", "An amount coupon takes an amount above zero."
        if percent:
            yield "percent", "An amount coupon has no percent."
        if not re.fullmatch("[a-z]{3}", currency):
            yield "currency", "An amount needs its currency: three small letters, as usd."
    repeating = given.get("duration") == CouponDuration.REPEATING
    if repeating != bool(given.get("periods")):
        yield "periods", "A number of invoices goes with a coupon that counts for a number of them, and only with it."
