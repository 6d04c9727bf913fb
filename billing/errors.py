"""What billing refuses, with stable codes; and what must not happen."""

from __future__ import annotations

from tenants.errors import InternalError, UserError


class PaymentRequired(UserError):
    """No subscription covers the work."""

    code = "payment_required"
    template = "No active subscription covers this work: choose a plan first."


class QuotaExceeded(UserError):
    """A hard limit is reached; `extra` has limit, used, reserved, resets_at and upgrade_url."""

    code = "quota_exceeded"
    template = "The plan's limit of %(limit)s is reached for %(meter)s."


class FeatureNotInPlan(UserError):
    """The plan does not cover the plugin, or has no price for its billing unit."""

    code = "feature_not_in_plan"
    template = "The plan does not include %(plugin)s."


class ConcurrencyLimit(UserError):
    """Too many jobs of the tenant are unfinished; `extra` has limit and retry_after in seconds."""

    code = "concurrency_limit"
    template = "The plan allows %(limit)s unfinished jobs at a time."
    retry_after = 10


class SubmitRate(UserError):
    """More jobs in a minute than the plan takes."""

    code = "rate_limit"
    template = "The plan takes %(limit)s jobs a minute: try again in %(seconds)s seconds."


class UnknownPlan(UserError):
    """No plan of that slug is on offer."""

    code = "unknown_plan"
    template = "No plan %(plan)s is on offer."


class TrialUsed(UserError):
    """A tenant tries a plan once."""

    code = "trial_used"
    template = "The trial has been used: choose another plan."


class CurrencyNotOffered(UserError):
    """The plan has no prices in the currency."""

    code = "currency_not_offered"
    template = "The plan %(plan)s is not sold in %(currency)s."


class CurrencyFixed(UserError):
    """A customer pays in one currency; another one needs a new subscription and nothing left of the old."""

    code = "currency_fixed"
    template = "The account is kept in %(currency)s: settle what stands in it before another currency is chosen."


class SubscriptionState(UserError):
    """The subscription is in a state in which this can not be done; `extra` has the status."""

    code = "subscription_state"
    template = "This can not be done while the subscription is %(status)s."


class NoPeriodEnd(UserError):
    """The plan has no periods, so that nothing can wait for the end of one."""

    code = "no_period_end"
    template = "The plan has no periods that end: choose to do it now."


class UnfitAddOn(UserError):
    """The add-on widens nothing that the plan has, or is paid in other periods."""

    code = "unfit_add_on"
    template = "The add-on %(plan)s does not go with the present plan."


class InvalidPlan(UserError):
    """A draft can not be published as it stands."""

    code = "invalid_plan"
    template = "The plan can not be published: %(reason)s."


class VersionPublished(UserError):
    """A published version never changes."""

    code = "plan_version_published"
    template = "A published version can not be changed: make a draft from it."


class ClockGoesBack(UserError):
    """Billing periods that were closed are not opened again."""

    code = "clock_goes_back"
    template = "Billing has already advanced to %(reached)s and can not go back."


class ClosingFailed(InternalError):
    """Some subscriptions could not be brought to date; the others were."""


class NoReservation(InternalError):
    """Work was finished that never held a place: nothing tells what it costs."""


class Unbalanced(InternalError):
    """The entries of a ledger transaction do not sum to zero."""
