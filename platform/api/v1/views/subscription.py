"""The subscription: how it stands, and everything a customer may do to it. Changes need the scope `admin`."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api import billing_schemas, schemas
from api.base import TenantAPIView, as_tenant, idempotent
from api.v1.requests import CancelRequest, ChangeRequest, NoFields
from api.v1.shapes import subscription as shapes
from billing import addons, changes, clock, quota, subscriptions
from billing.models import Subscription

ANSWERS: Any = {200: billing_schemas.Subscription, **schemas.PROBLEMS}


def shown(view: TenantAPIView, found: Subscription) -> Response:
    """The subscription as it stands now."""
    active = addons.active(found, clock.now())
    return Response(shapes.subscription(found, active, quota.states(view.tenant.id)))


class SubscriptionView(TenantAPIView):
    """`/v1/subscription`"""

    scopes = {"GET": "billing:read"}

    @extend_schema(operation_id="subscription_read", responses=ANSWERS)
    @as_tenant
    def get(self, request: Request) -> Response:
        return shown(self, subscriptions.last(self.tenant.id))


class PreviewView(TenantAPIView):
    """`/v1/subscription/preview`: what a change of plan would cost; no side effect."""

    scopes = {"POST": "billing:read"}

    @extend_schema(
        operation_id="subscription_preview",
        request=billing_schemas.ChangeBody,
        responses={200: billing_schemas.ChangePreview, **schemas.PROBLEMS},
    )
    @as_tenant
    def post(self, request: Request) -> Response:
        asked = ChangeRequest.read(request.data)
        found = changes.preview_change(self.tenant.id, asked["plan"], when=asked["when"])
        return Response(shapes.change_preview(found))


class ChangeView(TenantAPIView):
    """`/v1/subscription/change`: another plan, now or when the period ends."""

    scopes = {"POST": "admin"}

    @extend_schema(operation_id="subscription_change", request=billing_schemas.ChangeBody, responses=ANSWERS)
    @idempotent
    def post(self, request: Request) -> Response:
        asked = ChangeRequest.read(request.data)
        actor = self.actor.name
        return shown(self, changes.change_plan(self.tenant.id, asked["plan"], when=asked["when"], actor=actor))


class CancelView(TenantAPIView):
    """`/v1/subscription/cancel`: the end, when the period ends or now."""

    scopes = {"POST": "admin"}

    @extend_schema(operation_id="subscription_cancel", request=billing_schemas.CancelBody, responses=ANSWERS)
    @idempotent
    def post(self, request: Request) -> Response:
        asked = CancelRequest.read(request.data)
        return shown(self, changes.cancel(self.tenant.id, when=asked["when"], actor=self.actor.name))


class KeepView(TenantAPIView):
    """`/v1/subscription/keep`: take a planned end or a planned change back."""

    scopes = {"POST": "admin"}

    @extend_schema(operation_id="subscription_keep", request=None, responses=ANSWERS)
    @idempotent
    def post(self, request: Request) -> Response:
        NoFields.read(request.data)
        return shown(self, changes.keep(self.tenant.id, actor=self.actor.name))


class PauseView(TenantAPIView):
    """`/v1/subscription/pause`: no fee and no new work from now on."""

    scopes = {"POST": "admin"}

    @extend_schema(operation_id="subscription_pause", request=None, responses=ANSWERS)
    @idempotent
    def post(self, request: Request) -> Response:
        NoFields.read(request.data)
        return shown(self, changes.pause(self.tenant.id, actor=self.actor.name))


class ResumeView(TenantAPIView):
    """`/v1/subscription/resume`: the end of a pause."""

    scopes = {"POST": "admin"}

    @extend_schema(operation_id="subscription_resume", request=None, responses=ANSWERS)
    @idempotent
    def post(self, request: Request) -> Response:
        NoFields.read(request.data)
        return shown(self, changes.resume(self.tenant.id, actor=self.actor.name))
