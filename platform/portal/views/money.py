"""Usage, the invoice so far, invoices, plans."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from billing import catalogue, invoices, quota
from billing.models import Invoice, UsageEvent
from portal.base import TenantView, find, own
from portal.names import invoice_line
from tenants.ids import encode

RECENT = 50


class Usage(TenantView):
    """What was used in this period, against the plan's limits."""

    scope = "billing:read"

    def get(self, request: HttpRequest) -> HttpResponse:
        events = UsageEvent.objects.for_tenant(self.tenant).select_related("meter").order_by("-occurred_at", "-id")
        recent = [(encode("job", event.job_id), event) for event in events[:RECENT]]
        subscription = quota.subscription_of(self.tenant.id)
        return self.page(
            request, "usage.html", states=quota.states(self.tenant.id), recent=recent, subscription=subscription
        )


class Invoices(TenantView):
    """What is due so far, and what was invoiced."""

    scope = "billing:read"

    def get(self, request: HttpRequest) -> HttpResponse:
        has_plan = quota.subscription_of(self.tenant.id) is not None
        preview = invoices.preview(self.tenant.id) if has_plan else None
        due = [(invoice_line(line.code, line.params), line) for line in preview.lines] if preview else []
        closed = Invoice.objects.for_tenant(self.tenant).order_by("-created_at", "-id")
        listed = [(encode("inv", row.id), row) for row in closed]
        return self.page(request, "invoices.html", preview=preview, due=due, listed=listed)


class InvoicePage(TenantView):
    """One invoice with its lines."""

    scope = "billing:read"

    def get(self, request: HttpRequest, identity: str) -> HttpResponse:
        row = own(Invoice.objects.for_tenant(self.tenant).filter(pk=find("inv", identity)).first())
        lines = [(invoice_line(line.code, line.params), line) for line in row.lines.order_by("position")]
        return self.page(request, "invoice.html", invoice=row, lines=lines)


class Plans(TenantView):
    """The plans on offer."""

    def get(self, request: HttpRequest) -> HttpResponse:
        subscription = quota.subscription_of(self.tenant.id)
        current = subscription.plan_version.plan.slug if subscription else ""
        return self.page(request, "plans.html", offers=catalogue.offers(), current=current)
