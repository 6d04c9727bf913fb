"""What is refused on the way to a page to pay at."""

from __future__ import annotations

from tenants.errors import UserError


class ProviderUnavailable(UserError):
    """Whoever collects can not be reached now, or has no page for this yet."""

    code = "provider_unavailable"
    template = "The payment provider can not be reached: try again in a few minutes."


class PaymentPagePending(UserError):
    """The invoice is on its way to whoever collects, who makes the page."""

    code = "payment_page_pending"
    template = "The page to pay this invoice is being made: try again in a minute."


class CheckoutClosed(UserError):
    """The page was used or has expired."""

    code = "checkout_closed"
    template = "This page has been used already: begin again."
