"""What billing refuses, with stable codes; and what must not happen."""

from __future__ import annotations

from tenants.errors import InternalError, UserError


class PaymentRequired(UserError):
    """No subscription covers the work, or it takes none as it stands, or credits that do not suffice must pay for it.

    `extra` has upgrade_url; for want of credits amount, available and currency too, else the subscription_status.
    """

    code = "payment_required"
    template = "No active subscription covers this work: choose a plan first."


class QuotaExceeded(UserError):
    """A hard limit is reached; `extra` has meter, limit, used, reserved, remaining, resets_at and upgrade_url."""

    code = "quota_exceeded"
    template = "The plan's limit of %(limit)s is reached for %(meter)s."


class SpendingLimitReached(UserError):
    """The hard spending cap leaves too little; `extra` has limit, used, reserved, remaining, currency, resets_at
    and upgrade_url, amounts in minor units.
    """

    code = "spending_limit_reached"
    template = "The spending cap of %(limit)s %(currency)s for this period leaves too little for this work."


class InvalidCap(UserError):
    """A spending cap below zero."""

    code = "invalid_cap"
    template = "A spending cap can not be negative."


class CapsReversed(InvalidCap):
    """The warning would come after the stop."""

    template = "The soft cap warns before the hard cap stops: it can not be the higher one."


class InvalidCredits(UserError):
    """Credits of nothing, of a fraction that can not be kept, or that expired before they were granted."""

    code = "invalid_credits"
    template = "Credits must be more than nothing and must expire in the future."


class NothingToVoid(UserError):
    """All of the grant is used, held by unfinished work, expired or voided."""

    code = "nothing_to_void"
    template = "Nothing of these credits is left to void."


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


class CurrencyNotCollected(UserError):
    """Whoever collects from this customer counts the currency in other units."""

    code = "currency_not_collected"
    template = "Nothing can be collected in %(currency)s from this account: choose another currency."


class CapsInAnotherCurrency(UserError):
    """Spending caps are numbers of the present currency."""

    code = "caps_in_another_currency"
    template = "The spending caps are set in %(currency)s: take them away before another currency is chosen."


class SubscriptionState(UserError):
    """The subscription is in a state in which this can not be done; `extra` has the subscription_status."""

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


class UnknownCoupon(UserError):
    """No coupon of that code is given out."""

    code = "unknown_coupon"
    template = "There is no coupon %(coupon)s."


class CouponRefused(UserError):
    """The coupon does not count for this customer; the text says why."""

    code = "coupon_refused"
    template = "The coupon %(coupon)s can not be redeemed."


class InvoiceNotOpen(UserError):
    """The invoice is in a state in which this can not be done."""

    code = "invoice_not_open"
    template = "The invoice %(number)s is %(state)s."


class InvoiceNotVoidable(UserError):
    """Money has moved for the invoice, or its credits were used."""

    code = "invoice_not_voidable"
    template = "The invoice %(number)s has payments or credit notes: issue a credit note instead."


class PaymentTooLarge(UserError):
    """More than what is due."""

    code = "payment_too_large"
    template = "Only %(due)s is due on the invoice %(number)s."


class CreditNoteTooLarge(UserError):
    """More than what is left of a line or of the invoice."""

    code = "credit_note_too_large"
    template = "No more than what is left of each line of the invoice %(number)s can be credited."


class CreditsUsed(UserError):
    """Credits that should be taken back were used."""

    code = "credits_used"
    template = "The credits of the invoice %(number)s were used."


class RefundTooLarge(UserError):
    """More than what is left of the payment."""

    code = "refund_too_large"
    template = "Only %(left)s %(currency)s is left of the payment."


class SecondPersonNeeded(UserError):
    """Who asked for it can not allow it, too."""

    code = "second_person_needed"
    template = "Another person than the one who asked for it must decide."


class AdjustmentDecided(UserError):
    """It was applied or rejected before."""

    code = "adjustment_decided"
    template = "The adjustment was decided before."


class AdjustmentMismatch(UserError):
    """The act would move another amount than the one that was named."""

    code = "adjustment_mismatch"
    template = "It comes to %(amount)s, not to the amount that was named."


class VersionNotOffered(UserError):
    """Subscribers are only moved to a version that is on offer."""

    code = "version_not_offered"
    template = "Publish the version before subscribers are moved to it."


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
