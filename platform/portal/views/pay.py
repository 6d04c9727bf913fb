"""Our own checkout page, for who is collected from without an outside provider."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from billing import checkouts, inbox, providers
from billing.models import CheckoutPurpose, CheckoutSession, CheckoutState
from billing.providers.local import PREFIX, LocalProvider
from portal.base import TenantView, find, own


class Pay(TenantView):
    """What is ordered and what is due; outside of production a payment can be played, in production it is ordered."""

    scope = "billing:read"

    def get(self, request: HttpRequest, identity: str) -> HttpResponse:
        session = self._session(identity)
        return self.page(request, "pay.html", session=session, **_amounts(session))

    def post(self, request: HttpRequest, identity: str) -> HttpResponse:
        session = self._session(identity)
        if session.state == CheckoutState.OPEN and _can_confirm(session):
            provider = providers.by_name(providers.LOCAL)
            assert isinstance(provider, LocalProvider)
            provider.complete(session, paid=checkouts.due_of(session) if settings.ASSAY_TEST_PAYMENTS else 0)
            inbox.process(only=providers.LOCAL)
            messages.success(request, _("Done."))
        return redirect("portal:invoices")

    def _session(self, identity: str) -> CheckoutSession:
        sessions = CheckoutSession.objects.for_tenant(self.tenant).select_related("plan_version__plan", "invoice")
        session: CheckoutSession = own(sessions.filter(pk=find(PREFIX, identity), provider=providers.LOCAL).first())
        return session


def _amounts(session: CheckoutSession) -> dict[str, Any]:
    return {
        "due": checkouts.due_of(session),
        "can_confirm": _can_confirm(session),
        "test": settings.ASSAY_TEST_PAYMENTS,
        "open": session.state == CheckoutState.OPEN,
    }


def _can_confirm(session: CheckoutSession) -> bool:
    """An invoice is paid by transfer: in production there is nothing to confirm about it."""
    ordered = (CheckoutPurpose.SUBSCRIPTION, CheckoutPurpose.CREDITS)
    return bool(settings.ASSAY_TEST_PAYMENTS or session.purpose in ordered)
