"""Usage, plans, invoices; and who the caller is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api import billing_schemas, schemas
from api.base import TenantAPIView, as_tenant, find
from api.errors import NotFound
from api.pagination import PAGE_PARAMETERS, between, created_filters, each, moment, page, page_of_few
from api.v1.shapes import money as shapes
from api.v1.shapes.values import quantity
from api.v1.views.jobs import own as own_job
from billing import catalogue, invoices, quota
from billing.models import Invoice, UsageEvent
from billing.usage import summed
from tenants.ids import encode


class MeView(TenantAPIView):
    """`/v1/me`"""

    @extend_schema(operation_id="me", responses={200: schemas.Me, **schemas.PROBLEMS})
    @as_tenant
    def get(self, request: Request) -> Response:
        subscription = quota.subscription_of(self.tenant.id)
        tenant = {"id": encode("tnt", self.tenant.id), "name": self.tenant.name, "status": self.tenant.status}
        return Response(
            {
                "object": "me",
                "tenant": tenant,
                "actor": self.actor.name,
                "scopes": sorted(self.actor.scopes),
                "plan": subscription.plan_version.plan.slug if subscription else None,
                "quota": [shapes.quota(state) for state in quota.states(self.tenant.id)],
            }
        )


class UsageView(TenantAPIView):
    """`/v1/usage`"""

    scopes = {"GET": "billing:read"}
    filters = PAGE_PARAMETERS | {"from", "to", "job", "meter", "plugin"}

    @extend_schema(
        operation_id="usage_list", responses=billing_schemas.UsageList, parameters=billing_schemas.USAGE_FILTERS
    )
    @as_tenant
    def get(self, request: Request) -> Response:
        rows = UsageEvent.objects.for_tenant(self.tenant).filter(**usage_filter(self, request)).select_related("meter")
        return Response(page(request, rows, each(shapes.usage), "occurred_at"))


class UsageSummaryView(TenantAPIView):
    """`/v1/usage/summary`"""

    scopes = {"GET": "billing:read"}
    filters = frozenset({"from", "to", "meter", "plugin"})

    @extend_schema(operation_id="usage_summary", responses={200: billing_schemas.UsageSummary, **schemas.PROBLEMS})
    @as_tenant
    def get(self, request: Request) -> Response:
        rows = UsageEvent.objects.for_tenant(self.tenant).filter(**usage_filter(self, request))
        data = [
            {
                "meter": each_sum.meter,
                "plugin": each_sum.plugin,
                "jobs": each_sum.jobs,
                "quantity": quantity(each_sum.quantity),
                "amount": each_sum.amount,
                "currency": each_sum.currency,
            }
            for each_sum in summed(rows)
        ]
        return Response({"object": "usage_summary", "data": data})


def usage_filter(view: TenantAPIView, request: Request) -> dict[str, Any]:
    """The query as filters. Raises `InvalidFields` and, for a malformed or foreign job, `NotFound`."""
    asked = request.query_params
    found: dict[str, Any] = {}
    bounds: dict[str, datetime] = {name: moment(name, asked[name]) for name in ("from", "to") if name in asked}
    found |= {"occurred_at__gte": bounds["from"]} if "from" in bounds else {}
    found |= {"occurred_at__lt": bounds["to"]} if "to" in bounds else {}
    found |= {"job_id": own_job(view, asked["job"]).pk} if "job" in asked else {}
    found |= {"meter__slug": asked["meter"]} if "meter" in asked else {}
    return found | ({"plugin": asked["plugin"]} if "plugin" in asked else {})


class PlansView(TenantAPIView):
    """`/v1/plans`"""

    filters = PAGE_PARAMETERS

    @extend_schema(operation_id="plans_list", responses={200: billing_schemas.PlanList, **schemas.PROBLEMS})
    @as_tenant
    def get(self, request: Request) -> Response:
        offers = [shapes.plan(offer) for offer in catalogue.offers()]
        return Response(page_of_few(request, offers))


class InvoicesView(TenantAPIView):
    """`/v1/invoices`"""

    scopes = {"GET": "billing:read"}
    filters = PAGE_PARAMETERS | created_filters() | {"state"}

    @extend_schema(
        operation_id="invoices_list", responses=billing_schemas.InvoiceList, parameters=billing_schemas.INVOICE_FILTERS
    )
    @as_tenant
    def get(self, request: Request) -> Response:
        rows = between(request, Invoice.objects.for_tenant(self.tenant))
        exact = {"state": request.query_params["state"]} if "state" in request.query_params else {}
        return Response(page(request, rows.filter(**exact), each(lambda row: shapes.invoice(row, request))))


class PreviewView(TenantAPIView):
    """`/v1/invoices/preview`"""

    scopes = {"GET": "billing:read"}

    @extend_schema(operation_id="invoices_preview", responses={200: billing_schemas.InvoicePreview, **schemas.PROBLEMS})
    @as_tenant
    def get(self, request: Request) -> Response:
        return Response(shapes.preview(invoices.preview(self.tenant.id), request))


class InvoiceView(TenantAPIView):
    """`/v1/invoices/{id}`"""

    scopes = {"GET": "billing:read"}

    @extend_schema(operation_id="invoices_read", responses={200: billing_schemas.Invoice, **schemas.PROBLEMS})
    @as_tenant
    def get(self, request: Request, identity: str) -> Response:
        row = Invoice.objects.for_tenant(self.tenant).filter(pk=find("inv", identity)).first()
        if row is None:
            raise NotFound
        return Response(shapes.invoice(row, request))
