"""Usage, plans, invoices. Amounts are whole minor units beside their currency."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import get_language
from rest_framework.request import Request

from api.v1.shapes.values import Json, address, instant, quantity
from billing import texts
from billing.catalogue import Offer, PriceView
from billing.invoices import InvoicePreview, PreviewLine
from billing.models import EVERY_PLUGIN, CreditNote, Entitlement, Invoice, InvoiceLine, UsageEvent
from billing.quota import QuotaState
from tenants.ids import encode


def usage(row: UsageEvent) -> Json:
    return {
        "id": encode("usg", row.id),
        "object": "usage",
        "job": encode("job", row.job_id),
        "plugin": row.plugin,
        "meter": row.meter.slug,
        "quantity": quantity(row.metered),
        "amount": row.minor_units,
        "currency": row.currency,
        "occurred_at": instant(row.occurred_at),
    }


def quota(state: QuotaState) -> Json:
    return {
        "meter": state.meter,
        "plugin": state.plugin,
        "limit": quantity(state.limit),
        "used": quantity(state.used),
        "reserved": quantity(state.reserved),
        "hard": state.hard,
        "resets_at": instant(state.resets_at),
    }


def in_chinese() -> bool:
    return (get_language() or "").startswith("zh")


def price(view: PriceView) -> Json:
    return {
        "plugin": view.plugin,
        "unit": view.unit,
        "model": view.model,
        "amount": view.amount,
        "unit_amount": quantity(view.exact),
        "currency": view.currency,
        "included": quantity(view.included),
        "tiers": [
            {
                "up_to": quantity(tier.up_to),
                "unit_amount": quantity(tier.unit_amount),
                "flat_amount": quantity(tier.flat_amount),
            }
            for tier in view.tiers
        ],
    }


def entitlement(row: Entitlement) -> Json:
    return {
        "plugin": row.plugin,
        "meter": row.meter.slug if row.meter else None,
        "limit": quantity(row.limit),
        "hard": row.hard,
        "requests_per_minute": row.rate_per_minute,
        "max_in_flight": row.max_in_flight,
    }


def plan(offer: Offer) -> Json:
    row = offer.version.plan
    chinese = in_chinese()
    return {
        "id": encode("plan", row.id),
        "object": "plan",
        "slug": row.slug,
        "name": (chinese and row.name_zh) or row.name,
        "description": (chinese and row.description_zh) or row.description,
        "version": offer.version.number,
        "currency": offer.version.currency,
        "interval": offer.version.interval,
        "prices": [price(view) for view in offer.prices],
        "entitlements": [entitlement(one) for one in offer.entitlements],
    }


def jobs_behind(plugin: str | None, jobs_url: str) -> str | None:
    """The jobs that a line charges: of its plugin, or of all where plugins share a price; a fee has none."""
    if not plugin:
        return None
    return jobs_url if plugin == EVERY_PLUGIN else f"{jobs_url}?plugin={plugin}"


def preview_line(line: PreviewLine, jobs_url: str | None) -> Json:
    return {
        "description": line.description,
        "quantity": quantity(line.quantity),
        "unit_amount": quantity(line.unit_amount),
        "amount": line.amount,
        "meter": line.meter,
        "plugin": line.plugin,
        "jobs_url": jobs_url,
    }


def preview(found: InvoicePreview, request: Request) -> Json:
    jobs_url = address(request, reverse("v1:jobs"))
    return {
        "object": "invoice_preview",
        "lines": [preview_line(line, jobs_behind(line.plugin, jobs_url)) for line in found.lines],
        "subtotal": found.subtotal,
        "discount": found.discount,
        "tax_percent": quantity(found.tax_percent),
        "tax": found.tax,
        "total": found.total,
        "currency": found.currency,
        "period": {"start": instant(found.period.start), "end": instant(found.period.end)},
    }


def invoice_line(row: InvoiceLine, jobs_url: str) -> Json:
    return {
        "description": texts.in_language(row.code, row.params),
        "quantity": quantity(row.quantity),
        "unit_amount": quantity(row.unit_amount),
        "amount": row.amount,
        "meter": row.meter.slug if row.meter else None,
        "plugin": row.plugin or None,
        "jobs_url": jobs_behind(row.plugin, jobs_url),
    }


def credit_note(row: CreditNote, request: Request) -> Json:
    identity = encode("cn", row.id)
    return {
        "id": identity,
        "object": "credit_note",
        "number": row.number,
        "net": row.net,
        "tax": row.tax,
        "total": row.total,
        "reason": row.reason,
        "issued_at": instant(row.issued_at),
        "pdf_url": address(request, reverse("v1:credit-note-pdf", args=[identity])),
    }


def invoice(row: Invoice, request: Request) -> Json:
    identity = encode("inv", row.id)
    jobs_url = address(request, reverse("v1:jobs"))
    lines = row.lines.select_related("meter").order_by("position")
    return {
        "id": identity,
        "object": "invoice",
        "number": row.number,
        "kind": row.kind,
        "state": row.state,
        "lines": [invoice_line(line, jobs_url) for line in lines],
        **{name: getattr(row, name) for name in ("subtotal", "discount", "tax", "total", "currency", "tax_label")},
        "tax_percent": quantity(row.tax_percent),
        **{name: getattr(row, name) for name in ("amount_paid", "amount_credited", "amount_due")},
        "credit_notes": [credit_note(note, request) for note in row.credit_notes.order_by("sequence")],
        "pdf_url": address(request, reverse("v1:invoice-pdf", args=[identity])),
        "period": {"start": instant(row.period_start), "end": instant(row.period_end)},
        "created_at": instant(row.created_at),
        **{name: instant(getattr(row, name)) for name in ("closed_at", "due_at", "paid_at")},
    }
