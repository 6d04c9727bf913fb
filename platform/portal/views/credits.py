"""Credits: what is left of which grant, buying more, and what they paid for."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from billing import checkouts, clock, credits, customers
from billing.domain.money import total
from billing.domain.tax import tax_on
from billing.models import CreditGrant, CreditHold, HoldState
from portal import exports, job_ids
from portal.amounts import InvalidAmount, minor_units
from portal.base import TenantView
from portal.names import plugin_title
from portal.paying import MoneyView, PayView, go
from tenants.context import tenant_context
from tenants.ids import encode
from tenants.querysets import TenantQuerySet

PAGE = 25


class Credits(MoneyView):
    """The balance, the grants and the history; a form that leads to the page of the price."""

    back = "portal:usage"

    def get(self, request: HttpRequest) -> HttpResponse:
        grants = list(CreditGrant.objects.for_tenant(self.tenant))
        listed = [(grant, state_of(grant, clock.now())) for grant in grants]
        pages = Paginator(burned(self.tenant.id).order_by("-reservation__ended_at", "-id"), PAGE)
        page = pages.get_page(request.GET.get("page"))
        return self.page(
            request,
            "credits.html",
            currency=self.currency,
            available=credits.available(self.tenant.id, self.currency),
            held=total(grant.held for grant in grants if grant.currency == self.currency),
            grants=sorted(listed, key=lambda each: each[1] != "good"),
            pages=page,
            **job_ids.told(self.tenant.id, (hold.reservation.job_id for hold in page)),
        )


class BuyCredits(PayView):
    """What a purchase costs, tax included, to be confirmed; then on to the page to pay at."""

    back = "portal:credits"
    transactional = True

    def get(self, request: HttpRequest) -> HttpResponse:
        amount = asked_amount(request.GET.get("amount", ""), self.currency)
        customer = customers.of(self.tenant.id)
        tax = tax_on(amount, customer.tax_percent)
        shown = {"currency": self.currency, "amount": amount, "tax": tax, "total": amount + tax, "customer": customer}
        return self.page(request, "credits_buy.html", written=request.GET.get("amount", ""), **shown)


class PayCredits(PayView):
    """The confirmed purchase."""

    back = "portal:credits"

    def post(self, request: HttpRequest) -> HttpResponse:
        amount = asked_amount(request.POST.get("amount", ""), currency_of(self))
        back = self.address("portal:credits")
        return go(request, checkouts.buy_credits(self.tenant.id, amount, actor=self.actor, return_url=back).url)


class GrantsExport(TenantView):
    """All grants as a table."""

    scope = "billing:read"

    def get(self, request: HttpRequest) -> StreamingHttpResponse:
        tenant_id = self.tenant.id

        def rows() -> TenantQuerySet[CreditGrant]:
            found: TenantQuerySet[CreditGrant] = CreditGrant.objects.for_tenant(tenant_id)
            return found

        heads = [
            _("Time"), _("Kind"), _("Reason"), _("Expires"), _("Amount"), _("Used"), _("Held"), _("Expired"),
            _("Voided"), _("Left"), _("Currency"),
        ]  # fmt: skip
        return exports.download("credits", heads, exports.in_batches(tenant_id, rows, grant_row, "created_at"))


class BurnedExport(TenantView):
    """What credits paid for, as a table."""

    scope = "billing:read"

    def get(self, request: HttpRequest) -> StreamingHttpResponse:
        tenant_id = self.tenant.id

        def rows() -> TenantQuerySet[CreditHold]:
            return burned(tenant_id)

        heads = [_("Time"), _("Job"), _("Plugin"), _("Analysis"), _("Kind"), _("Amount"), _("Currency")]
        return exports.download("credits-used", heads, exports.in_batches(tenant_id, rows, burned_row, None))


def asked_amount(text: str, currency: str) -> int:
    """The amount of a purchase, minor units. Raises `InvalidAmount`, also for nothing."""
    amount = minor_units(text, currency)
    if amount == 0:
        raise InvalidAmount(currency=currency.upper(), example="25")
    return amount


def currency_of(view: MoneyView) -> str:
    """The account's currency, for a handler that runs in no transaction."""
    with tenant_context(view.tenant.id):
        return view.currency


def burned(tenant_id: UUID) -> TenantQuerySet[CreditHold]:
    """What was paid from credits, with the jobs that it was for."""
    rows: TenantQuerySet[CreditHold] = CreditHold.objects.for_tenant(tenant_id)
    return rows.filter(state=HoldState.CONSUMED).select_related("reservation", "grant")


def state_of(grant: CreditGrant, now: datetime) -> str:
    """What a grant is good for: good, spent, expired or voided."""
    expired = grant.expires_at is not None and grant.expires_at <= now
    if grant.available > 0 and not expired:
        return "good"
    if grant.voided:
        return "voided"
    return "expired" if grant.expired or (expired and grant.available > 0) else "spent"


def grant_row(row: CreditGrant) -> exports.Row:
    """One grant; amounts in major units, to the last digit."""
    amounts = (row.amount, row.consumed, row.held, row.expired, row.voided, row.available)
    return [
        timezone.localtime(row.created_at), row.get_kind_display(), row.reason,
        timezone.localtime(row.expires_at) if row.expires_at else None,
        *(exports.exact_major(amount, row.currency) for amount in amounts), row.currency.upper(),
    ]  # fmt: skip


def burned_row(row: CreditHold) -> exports.Row:
    """One job's part of one grant."""
    job = row.reservation
    return [
        timezone.localtime(job.ended_at) if job.ended_at else None, encode("job", job.job_id), job.plugin,
        plugin_title(job.plugin), row.grant.get_kind_display(), exports.exact_major(row.amount, row.grant.currency),
        row.grant.currency.upper(),
    ]  # fmt: skip
