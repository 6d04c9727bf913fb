"""The banner of every page: what is wrong with a subscription, or will soon end, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from billing import clock, subscriptions
from billing.models import Subscription, SubscriptionStatus

TRIAL_NOTICE = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Standing:
    """A sentence, how urgent it is (a level of the style sheet), and the page that mends it."""

    level: str
    text: str
    url: str
    action: str


def standing_of(tenant_id: UUID) -> Standing | None:
    """What to tell a tenant's people; None while all is well. Call inside the tenant's scope."""
    subscription = subscriptions.subscription_of(tenant_id)
    if subscription is None:
        text = _("There is no plan: new analyses are not taken. What was done stays readable.")
        return Standing("warning", text, reverse("portal:plans"), _("Choose a plan"))
    return _of_status(subscription) or _of_ending(subscription, clock.now())


def _of_status(subscription: Subscription) -> Standing | None:
    invoices, plans = reverse("portal:invoices"), reverse("portal:plans")
    match subscription.status:
        case SubscriptionStatus.PAST_DUE:
            text = _("An invoice is past due. Pay it soon, or new analyses will not be taken any more.")
            return Standing("warning", text, invoices, _("See what is due"))
        case SubscriptionStatus.SUSPENDED:
            text = _("New analyses are not taken, because an invoice is long past due. Paying it lifts that at once.")
            return Standing("danger", text, invoices, _("Pay what is due"))
        case SubscriptionStatus.PAUSED:
            text = _("The plan is paused: it costs nothing, and new analyses are not taken.")
            return Standing("info", text, plans, _("Resume"))
    return None


def _of_ending(subscription: Subscription, now: datetime) -> Standing | None:
    plans = reverse("portal:plans")
    if subscription.cancel_at is not None:
        text = _("The plan ends on %(day)s. After that new analyses are not taken.") % {
            "day": day(subscription.cancel_at)
        }
        return Standing("info", text, plans, _("Keep the plan"))
    if subscription.trial_end is not None and now < subscription.trial_end <= now + TRIAL_NOTICE:
        text = _("The trial ends on %(day)s. From then on the plan's fee counts.") % {
            "day": day(subscription.trial_end)
        }
        return Standing("info", text, plans, _("See the plans"))
    return None


def day(moment: datetime) -> str:
    """The day of a moment in the zone that is active."""
    return date_format(localtime(moment), "DATE_FORMAT")
