"""What was used in this period, what it costs so far, and what it will come to."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from billing import clock, credits, forecast, invoices, quota, reading, spending, subscriptions, usage
from billing.domain.money import total
from billing.models import Subscription, UsageEvent
from portal import charts, exports, job_ids, ranges
from portal.base import TenantView
from portal.names import plugin_title
from tenants.ids import encode
from tenants.querysets import TenantQuerySet

RECENT = 20
LOOK_BACK = timedelta(days=29)
"""How far the chart reaches back where the plan has no periods."""


class Usage(TenantView):
    """The page of this period's use."""

    scope = "billing:read"
    template = "usage.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        with reading.shared():
            return self.shown(request)

    def shown(self, request: HttpRequest) -> HttpResponse:
        subscription = subscriptions.subscription_of(self.tenant.id)
        context = (
            self.money(subscription) if subscription else {"days": charted([], None, clock.now() - LOOK_BACK, "usd")}
        )
        recent = self.recent()
        return self.page(
            request,
            self.template,
            subscription=subscription,
            now=clock.now(),
            states=quota.states(self.tenant.id),
            recent=recent,
            ranges=ranges.offered(),
            **job_ids.marked(recent),
            **context,
        )

    def money(self, subscription: Subscription) -> dict[str, Any]:
        """What the period has cost, by plugin, by day, from credits, and against the caps."""
        period = subscriptions.period_of(subscription, clock.now())
        currency = subscription.currency
        since = period.start if period.end else max(period.start, clock.now() - LOOK_BACK)
        use = usage.of_period(self.tenant.id, since=since, zone=timezone.get_current_timezone())
        sums = [each for each in use.sums if each.currency == currency]
        return {
            "period": period,
            "currency": currency,
            "sums": sums,
            "used": total(each.exact for each in sums),
            "credited": total(each.credited for each in sums),
            "available": credits.available(self.tenant.id, currency),
            "spending": spending.state(self.tenant.id),
            "due": invoices.preview(self.tenant.id),
            "forecast": forecast.forecast(self.tenant.id),
            "days": charted(use.days, period.end, since, currency),
        }

    def recent(self) -> list[tuple[str, UsageEvent]]:
        events = UsageEvent.objects.for_tenant(self.tenant).select_related("meter").order_by("-occurred_at", "-id")
        marked = events.annotate(openable=job_ids.stored(self.tenant.id))
        return [(encode("job", event.job_id), event) for event in marked[:RECENT]]


def charted(days: list[usage.DaySum], end: datetime | None, since: datetime, currency: str) -> charts.Chart:
    """The cost of each day of the period, or of the last thirty days where it never ends."""
    zone = timezone.get_current_timezone()
    amounts = {each.day: each.exact for each in days if each.currency == currency}
    last = (end - timedelta(microseconds=1)) if end else clock.now()
    return charts.daily(amounts, since.astimezone(zone).date(), last.astimezone(zone).date())


class LiveUsage(Usage):
    """The part of the page that changes, alone: the page asks for it again and again."""

    template = "usage_live.html"


class UsageExport(TenantView):
    """Every finished job of a range as a table."""

    scope = "billing:read"

    def get(self, request: HttpRequest) -> StreamingHttpResponse:
        span = ranges.asked(request.GET, subscriptions.subscription_of(self.tenant.id))
        tenant_id = self.tenant.id

        def rows() -> TenantQuerySet[UsageEvent]:
            return usage_between(tenant_id, span)

        return exports.download(
            f"usage-{span.name}", usage_heads(), exports.in_batches(tenant_id, rows, usage_row, "occurred_at")
        )


def usage_between(tenant_id: Any, span: ranges.Range) -> TenantQuerySet[UsageEvent]:
    """The finished work of a range."""
    events: TenantQuerySet[UsageEvent] = UsageEvent.objects.for_tenant(tenant_id).select_related("meter")
    return events.filter(occurred_at__gte=span.start, occurred_at__lt=span.end)


def usage_heads() -> list[str]:
    """The first line of a table of use."""
    return [
        _("Time"), _("Job"), _("Plugin"), _("Analysis"), _("Meter"), _("Unit"), _("Quantity"), _("Counted"),
        _("Amount"), _("Paid from credits"), _("Currency"),
    ]  # fmt: skip


def usage_row(event: UsageEvent) -> exports.Row:
    """One finished job; amounts to the last digit, as they are added up."""
    return [
        timezone.localtime(event.occurred_at), encode("job", event.job_id), event.plugin, plugin_title(event.plugin),
        event.meter.slug, event.unit, event.quantity, event.metered,
        exports.exact_major(event.amount, event.currency), exports.exact_major(event.credited, event.currency),
        event.currency.upper(),
    ]  # fmt: skip
