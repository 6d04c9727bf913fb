"""The shapes of usage and money for OpenAPI: what is sent is built in `v1.shapes`."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import inline_serializer
from rest_framework import serializers as s

from api.schemas import JSON, PAGE, Fields, Money, QuotaState, listing, many, parameter, shape

USAGE: Fields = {
    **{name: s.CharField() for name in ("id", "object", "job", "plugin", "meter", "quantity")},
    **Money,
    "occurred_at": s.DateTimeField(),
}
UsageList = listing("Usage", many("Usage", **USAGE))
UsageSummary = shape(
    "UsageSummary",
    object=s.CharField(),
    data=many(
        "UsageSum", meter=s.CharField(), plugin=s.CharField(), jobs=s.IntegerField(), quantity=s.CharField(), **Money
    ),
)
PlanList = listing(
    "Plan",
    many(
        "Plan",
        **{name: s.CharField() for name in ("id", "object", "slug", "name", "description", "currency", "interval")},
        version=s.IntegerField(),
        prices=JSON(),
        entitlements=JSON(),
    ),
)
PERIOD: Fields = {"start": s.DateTimeField(), "end": s.DateTimeField(allow_null=True)}
Period = shape("Period", **PERIOD)
Subscription = shape(
    "Subscription",
    **{name: s.CharField() for name in ("id", "object", "plan", "currency")},
    status=s.ChoiceField(["trialing", "active", "past_due", "paused", "suspended", "canceled"]),
    plan_version=s.IntegerField(),
    current_period=Period,
    trial_end=s.DateTimeField(allow_null=True),
    cancel_at=s.DateTimeField(allow_null=True, help_text="the end of the period after which it ends by itself"),
    canceled_at=s.DateTimeField(allow_null=True),
    past_due_since=s.DateTimeField(allow_null=True),
    next_plan=s.CharField(allow_null=True, help_text="takes the place of the plan when the period ends"),
    add_ons=many(
        "SubscriptionAddOn", plan=s.CharField(), quantity=s.IntegerField(), ends_at=s.DateTimeField(allow_null=True)
    ),
    quota=many("SubscriptionQuota", **QuotaState),
    created_at=s.DateTimeField(),
)
ChangePreview = shape(
    "ChangePreview",
    **{name: s.CharField() for name in ("object", "plan", "currency")},
    plan_version=s.IntegerField(),
    effective_at=s.DateTimeField(),
    rest_until=s.DateTimeField(allow_null=True),
    fee_before=s.IntegerField(help_text="minor units: the present plan's fee from effective_at to rest_until"),
    fee_after=s.IntegerField(help_text="the new plan's for the same time"),
    difference=s.IntegerField(),
    fee=s.IntegerField(help_text="of the first period that is wholly under the new plan"),
    first_full_period=Period,
    included=many(
        "IncludedQuota",
        plugin=s.CharField(),
        meter=s.CharField(allow_null=True),
        limit=s.CharField(allow_null=True),
        hard=s.BooleanField(),
        free=s.CharField(),
    ),
    warnings=many("ChangeWarning", code=s.CharField(), detail=s.CharField()),
)
WHEN = s.ChoiceField(["now", "period_end"])
ChangeBody = shape("ChangeBody", plan=s.CharField(), when=WHEN)
CancelBody = shape("CancelBody", when=WHEN)
LINE: Fields = {
    "description": s.CharField(),
    "quantity": s.CharField(),
    "unit_amount": s.CharField(allow_null=True),
    "amount": s.IntegerField(),
    "meter": s.CharField(allow_null=True),
    "plugin": s.CharField(allow_null=True),
    "jobs_url": s.URLField(allow_null=True),
}
TOTALS: Fields = {
    "subtotal": s.IntegerField(), "discount": s.IntegerField(), "tax_percent": s.CharField(), "tax": s.IntegerField(),
    "total": s.IntegerField(), "currency": s.CharField(), "period": Period,
}  # fmt: skip
InvoicePreview = shape("InvoicePreview", object=s.CharField(), lines=many("PreviewLine", **LINE), **TOTALS)
INVOICE: Fields = {
    "id": s.CharField(), "object": s.CharField(), "number": s.CharField(allow_null=True), "kind": s.CharField(),
    "state": s.CharField(), "lines": many("InvoiceLine", **LINE), **TOTALS, "tax_label": s.CharField(),
    "amount_paid": s.IntegerField(), "amount_credited": s.IntegerField(), "amount_due": s.IntegerField(),
    "credit_notes": many(
        "CreditNote",
        **{name: s.CharField() for name in ("id", "object", "number", "reason")},
        **{name: s.IntegerField() for name in ("net", "tax", "total")},
        issued_at=s.DateTimeField(),
        pdf_url=s.URLField(),
    ),
    "pdf_url": s.URLField(), "created_at": s.DateTimeField(), "closed_at": s.DateTimeField(allow_null=True),
    "due_at": s.DateTimeField(allow_null=True), "paid_at": s.DateTimeField(allow_null=True),
}  # fmt: skip
Invoice = shape("Invoice", **INVOICE)
InvoiceList = listing("Invoice", many("InvoiceItem", **INVOICE))
EXACT = "exact minor units as text"
CreditGrants = many(
    "CreditGrant",
    **{name: s.CharField() for name in ("id", "object", "kind", "reason")},
    **{name: s.CharField(help_text=EXACT) for name in ("amount", "available", "held", "consumed", "expired", "voided")},
    currency=s.CharField(),
    priority=s.IntegerField(help_text="lower ones are used first, then those that expire sooner"),
    expires_at=s.DateTimeField(allow_null=True),
    created_at=s.DateTimeField(),
)
Credits = shape(
    "Credits",
    object=s.CharField(),
    balance=shape("CreditBalance", available=s.CharField(help_text=EXACT), currency=s.CharField()),
    data=CreditGrants,
    has_more=s.BooleanField(),
    next_cursor=s.CharField(allow_null=True),
)
CAPS: Fields = {
    "soft_cap": s.IntegerField(allow_null=True, help_text="minor units a period: beyond it you are warned"),
    "hard_cap": s.IntegerField(allow_null=True, help_text="beyond it new work is refused"),
}
SpendingCaps = shape(
    "SpendingCaps",
    object=s.CharField(),
    **CAPS,
    spent=s.CharField(help_text=f"{EXACT}, beyond credits, before tax"),
    held=s.CharField(help_text=f"{EXACT}, by unfinished jobs"),
    currency=s.CharField(),
    period=inline_serializer("SpendingPeriod", PERIOD, allow_null=True),
)
CapsBody = shape("CapsBody", **CAPS)
PurchaseBody = shape("PurchaseBody", amount=s.IntegerField(help_text="minor units, before tax"))
Checkout = shape(
    "Checkout", id=s.CharField(), object=s.CharField(), purpose=s.CharField(), state=s.CharField(), **Money,
    url=s.URLField(help_text="where a person pays"), created_at=s.DateTimeField(),
)  # fmt: skip
AlertList = listing(
    "Alert",
    many(
        "Alert",
        **{name: s.CharField() for name in ("id", "object", "subject", "reached", "limit")},
        kind=s.CharField(help_text="quota, spending or credits"),
        threshold=s.IntegerField(help_text="percent"),
        period_start=s.DateTimeField(),
        raised_at=s.DateTimeField(),
    ),
)

INVOICE_FILTERS = [*PAGE, parameter("state", "exact")]
USAGE_FILTERS = [
    *PAGE[:2],
    parameter("from", "inclusive", OpenApiTypes.DATETIME),
    parameter("to", "exclusive", OpenApiTypes.DATETIME),
    *(parameter(name, "exact") for name in ("job", "meter", "plugin")),
]
PAPER_FILTERS = [parameter("lang", "en or zh; without it the language of Accept-Language")]
