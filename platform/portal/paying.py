"""What the pages about money share: who may change them, refusals told as sentences, the way to a page to pay at."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from billing import customers
from portal.base import TenantView
from tenants.errors import UserError


class MoneyView(TenantView):
    """A page about money: who may read it may look, who pays may change. A refusal is told on the page `back`."""

    scope = "billing:read"
    back: ClassVar[str] = "portal:billing"

    def refuse_unless_allowed(self, request: HttpRequest) -> None:
        super().refuse_unless_allowed(request)
        if request.method == "POST" and not self.pays:
            raise PermissionDenied

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        # outside of the transaction, so that what was refused halfway is rolled back
        try:
            return super().dispatch(request, *args, **kwargs)
        except UserError as error:
            messages.error(request, sentence(error))
            return redirect(self.way_back(*args, **kwargs))

    def way_back(self, *args: Any, **kwargs: Any) -> str:
        """The address of the page that tells a refusal."""
        return reverse(self.back)

    @property
    def currency(self) -> str:
        """The currency that the tenant's account is kept in."""
        return customers.of(self.tenant.id).currency or "usd"


class PayView(MoneyView):
    """A button that leads to a page to pay at: a provider may be asked, so no transaction is held."""

    transactional = False

    def address(self, name: str, *args: str) -> str:
        """The full address of a page of ours, to come back to."""
        path = reverse(name, args=args)
        return (
            f"{settings.ASSAY_PUBLIC_BASE_URL}{path}"
            if settings.ASSAY_PUBLIC_BASE_URL
            else self.request.build_absolute_uri(path)
        )


def go(request: HttpRequest, url: str) -> HttpResponse:
    """On to a page, ours or a provider's.

    The answer to a form may only redirect within our origin (`form-action` of the policy), so a page of ours leads on.
    """
    here = settings.ASSAY_PUBLIC_BASE_URL or request.build_absolute_uri("/").rstrip("/")
    if url.startswith("/") and not url.startswith("//"):
        return redirect(url)
    if url.startswith(f"{here}/"):
        return redirect(url)
    return render(request, "portal/leaving.html", {"url": url})


def sentence(error: UserError) -> str:
    """A refusal in the reader's language."""
    template = _(error.template)
    return template % error.params if error.params else template
