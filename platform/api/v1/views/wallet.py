"""Credits, spending caps and alerts. Changes need the scope `admin`."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api import billing_schemas, idempotency, schemas
from api.base import TenantAPIView, as_tenant
from api.pagination import PAGE_PARAMETERS, each, page
from api.v1.requests import CapsRequest, PurchaseRequest
from api.v1.shapes import wallet as shapes
from api.v1.shapes.values import quantity
from billing import checkouts, credits, customers, spending, subscriptions
from billing.models import Alert, CreditGrant
from tenants.context import tenant_context

CURRENCY = "usd"
"""Of an account that has none yet: it is fixed with the first subscription."""


def currency_of(view: TenantAPIView) -> str:
    """The currency that the account is kept in. Writes nothing."""
    found = subscriptions.subscription_of(view.tenant.id)
    return found.currency if found else customers.of(view.tenant.id).currency or CURRENCY


class CreditsView(TenantAPIView):
    """`/v1/credits`: what is available, and all grants, newest first."""

    scopes = {"GET": "billing:read"}
    filters = PAGE_PARAMETERS

    @extend_schema(
        operation_id="credits_list",
        responses={200: billing_schemas.Credits, **schemas.PROBLEMS},
        parameters=schemas.PAGE[:2],
    )
    @as_tenant
    def get(self, request: Request) -> Response:
        currency = currency_of(self)
        balance = {"available": quantity(credits.available(self.tenant.id, currency)), "currency": currency}
        rows = page(request, CreditGrant.objects.for_tenant(self.tenant), each(shapes.grant))
        return Response({**rows, "balance": balance})


class PurchaseView(TenantAPIView):
    """`/v1/credits/purchase`: the address of a page where a person pays; the credits are there once it is paid."""

    scopes = {"POST": "admin"}

    @extend_schema(
        operation_id="credits_purchase",
        request=billing_schemas.PurchaseBody,
        responses={201: billing_schemas.Checkout, **schemas.PROBLEMS},
    )
    def post(self, request: Request) -> Response:
        asked = PurchaseRequest.read(request.data)
        # a provider may be asked: no transaction is held around that
        with idempotency.claimed(self.tenant, request) as claim:
            if claim.replay is not None:
                return claim.replay
            session = checkouts.buy_credits(self.tenant.id, asked["amount"], actor=self.actor.name)
            response = Response(shapes.checkout(session), status=201)
            with tenant_context(self.tenant.id):
                claim.keep(response)
            return response


class CapsView(TenantAPIView):
    """`/v1/spending_caps`: what use may cost in a period beyond credits, before tax."""

    scopes = {"GET": "billing:read", "PUT": "admin"}

    @extend_schema(operation_id="spending_caps_read", responses={200: billing_schemas.SpendingCaps, **schemas.PROBLEMS})
    @as_tenant
    def get(self, request: Request) -> Response:
        return self.shown()

    @extend_schema(
        operation_id="spending_caps_set",
        request=billing_schemas.CapsBody,
        responses={200: billing_schemas.SpendingCaps, **schemas.PROBLEMS},
    )
    @as_tenant
    def put(self, request: Request) -> Response:
        asked = CapsRequest.read(request.data)
        customers.set_caps(self.tenant.id, soft=asked["soft_cap"], hard=asked["hard_cap"], actor=self.actor.name)
        return self.shown()

    def shown(self) -> Response:
        customer, state = customers.of(self.tenant.id), spending.state(self.tenant.id)
        return Response(shapes.caps(customer, state, currency_of(self)))


class AlertsView(TenantAPIView):
    """`/v1/alerts`: what was reached and nobody has dismissed, newest first."""

    scopes = {"GET": "billing:read"}
    filters = PAGE_PARAMETERS

    @extend_schema(operation_id="alerts_list", responses=billing_schemas.AlertList, parameters=schemas.PAGE[:2])
    @as_tenant
    def get(self, request: Request) -> Response:
        rows = Alert.objects.for_tenant(self.tenant).filter(seen_at__isnull=True)
        return Response(page(request, rows, each(shapes.alert), "raised_at"))
