"""Plans: choose one, see what a change costs before it is made, end, pause, add to it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from billing import addons, catalogue, changes, checkouts, clock, coupon_codes, customers, subscriptions
from billing.catalogue import Offer
from billing.models import BillingCustomer, BillingInterval, Redemption, Subscription
from billing.previews import ChangeWarning
from portal import prices
from portal.amounts import whole_number
from portal.base import TenantView
from portal.names import plugin_title
from portal.paying import MoneyView, PayView, go
from tenants.context import tenant_context

INTERVALS = (BillingInterval.MONTH, BillingInterval.YEAR)
WHENS = ("now", "period_end")
MOST_ADD_ONS = 1000
DONE = {
    "cancel_now": gettext_noop("The plan has ended. What is due up to now stands on an invoice."),
    "cancel_period_end": gettext_noop("The plan will end with the period."),
    "keep": gettext_noop("Nothing is planned any more: the plan goes on."),
    "pause": gettext_noop("The plan is paused."),
    "resume": gettext_noop("The plan goes on."),
}


class Plans(TenantView):
    """The plans on offer in the customer's currency, the present one with all that can be done to it."""

    def get(self, request: HttpRequest) -> HttpResponse:
        subscription = subscriptions.subscription_of(self.tenant.id)
        customer = customers.of(self.tenant.id)
        offers = catalogue.offers(customer.currency or None)
        interval = chosen_interval(request, subscription, offers)
        return self.page(
            request,
            "plans.html",
            subscription=subscription,
            current=subscription.plan_version.plan.slug if subscription else "",
            planned=planned_slug(subscription),
            offers=[each for each in offers if is_shown(each, interval, subscription)],
            interval=interval,
            can_try=not subscriptions.has_tried(self.tenant.id),
            **self.beside(subscription, customer),
        )

    def beside(self, subscription: Subscription | None, customer: BillingCustomer) -> dict[str, Any]:
        """Add-ons and coupons of the subscription."""
        if subscription is None:
            return {}
        active = {row.plan_version.plan.slug: row for row in addons.active(subscription, clock.now())}
        offers = catalogue.offers(customer.currency or None, add_ons=True)
        fitting = [each for each in offers if addons.fits(each.version, subscription)]
        return {
            "add_ons": [(each, active.pop(each.version.plan.slug, None)) for each in fitting],
            "former_add_ons": list(active.values()),
            "coupons": coupons_of(self, subscription),
        }


class ChangePlan(MoneyView):
    """What a change of plan costs, in figures; then the change itself."""

    back = "portal:plans"

    def get(self, request: HttpRequest) -> HttpResponse:
        slug, when = request.GET.get("plan", ""), chosen(request.GET.get("when", "now"))
        preview = changes.preview_change(self.tenant.id, slug, when=when)
        present = subscriptions.existing(self.tenant.id)
        return self.page(
            request,
            "plan_change.html",
            preview=preview,
            slug=slug,
            when=when,
            current=present.plan_version.plan,
            has_end=present.current_period_end is not None,
            difference=preview.after.amount - preview.before.amount,
            included=prices.included(catalogue.offer(preview.plan, preview.currency)),
            same_periods=preview.plan.interval == present.plan_version.interval,
            warnings=[warning_text(each) for each in preview.warnings],
        )

    def post(self, request: HttpRequest) -> HttpResponse:
        when = chosen(request.POST.get("when", ""))
        changed = changes.change_plan(self.tenant.id, request.POST.get("plan", ""), when=when, actor=self.actor)
        text = (
            _("The plan will change when the period ends.")
            if changed.next_plan_version_id
            else _("The plan is changed.")
        )
        messages.success(request, text)
        return redirect("portal:plans")


class Subscribe(PayView):
    """The first plan: a page that tells its price; then the checkout where the provider wants one."""

    back = "portal:plans"

    def get(self, request: HttpRequest) -> HttpResponse:
        with tenant_context(self.tenant.id):
            version = catalogue.published(request.GET.get("plan", ""))
            currency = customers.of(self.tenant.id).currency or None
            return self.page(request, "plan_subscribe.html", offer=catalogue.offer(version, currency))

    def post(self, request: HttpRequest) -> HttpResponse:
        slug, back = request.POST.get("plan", ""), self.address("portal:plans")
        return go(request, checkouts.subscribe(self.tenant.id, slug, actor=self.actor, return_url=back).url)


class SubscriptionAction(MoneyView):
    """End, keep, pause or resume the plan; each button asks before it does."""

    back = "portal:plans"

    def post(self, request: HttpRequest) -> HttpResponse:
        verb = request.POST.get("verb", "")
        if verb not in DONE:
            raise BadRequest
        self.carry_out(verb)
        messages.success(request, _(DONE[verb]))
        return redirect("portal:plans")

    def carry_out(self, verb: str) -> None:
        """Do what the button says."""
        tenant_id, actor = self.tenant.id, self.actor
        match verb:
            case "cancel_now":
                changes.cancel(tenant_id, when="now", actor=actor)
            case "cancel_period_end":
                changes.cancel(tenant_id, when="period_end", actor=actor)
            case "keep":
                changes.keep(tenant_id, actor=actor)
            case "pause":
                changes.pause(tenant_id, actor=actor)
            case "resume":
                changes.resume(tenant_id, actor=actor)


class AddOn(MoneyView):
    """Add an add-on, or let it end with the period."""

    back = "portal:plans"

    def post(self, request: HttpRequest) -> HttpResponse:
        slug = request.POST.get("plan", "")
        if request.POST.get("verb") == "end":
            addons.end(self.tenant.id, slug, actor=self.actor)
            messages.success(request, _("The add-on ends with the period."))
        else:
            quantity = whole_number(request.POST.get("quantity", ""), MOST_ADD_ONS)
            addons.add(self.tenant.id, slug, quantity, actor=self.actor)
            messages.success(request, _("The add-on counts from now on."))
        return redirect("portal:plans")


class Coupon(MoneyView):
    """Redeem a coupon."""

    back = "portal:plans"

    def post(self, request: HttpRequest) -> HttpResponse:
        coupon_codes.redeem(self.tenant.id, request.POST.get("code", ""), actor=self.actor)
        messages.success(request, _("The coupon counts from the next invoice on."))
        return redirect("portal:plans")


def warning_text(warning: ChangeWarning) -> str:
    """What to know before a change, with the names that a customer knows."""
    named = {name: plugin_title(text) if name == "plugin" else text for name, text in warning.params.items()}
    return replace(warning, params=named).text


def chosen(when: str) -> Any:
    """When a change is to happen. Raises `BadRequest` for what is neither."""
    if when not in WHENS:
        raise BadRequest
    return when


def chosen_interval(request: HttpRequest, subscription: Subscription | None, offers: list[Offer]) -> str | None:
    """Monthly or yearly, as asked, else as the present plan is; None where only one of them is on offer."""
    sold = {each.version.interval for each in offers} & set(INTERVALS)
    if len(sold) < len(INTERVALS):
        return None
    asked = request.GET.get("interval", "")
    present = subscription.plan_version.interval if subscription else BillingInterval.MONTH
    return asked if asked in sold else present if present in sold else BillingInterval.MONTH


def is_shown(offer: Offer, interval: str | None, subscription: Subscription | None) -> bool:
    """Whether an offer belongs among the monthly or the yearly ones; a trial is only for the beginning."""
    plan, length = offer.version.plan, offer.version.interval
    if plan.is_trial and subscription is not None and subscription.plan_version.plan_id != plan.id:
        return False
    return interval in (None, length) or length not in INTERVALS


def planned_slug(subscription: Subscription | None) -> str:
    """The plan that takes the place of the present one when the period ends."""
    planned = subscription.next_plan_version if subscription else None
    return planned.plan.slug if planned else ""


def coupons_of(view: TenantView, subscription: Subscription) -> list[Redemption]:
    """What was redeemed and still counts."""
    return coupon_codes.applicable(subscription) if "billing:read" in view.scopes else []
