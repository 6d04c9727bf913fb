"""A stateful, strict fake of Stripe's API, on loopback, for the real SDK to talk to.

`StripeServer` is all that a test needs:

    with StripeServer() as server:
        client = stripe.StripeClient("sk_test_1", base_addresses={"api": server.url, ...})
        ...
        server.advance(server.now() + 31 * DAY)
        server.assert_clean()

Where to look: `contract.py` checks requests against the SDK's types; `api.py` is the way of a request; `resources/` has
the routes, one file for each group; `starting`, `subscribing`, `cycle`, `invoicing`, `lines`, `rating`, `usage` and
`paying` are what Stripe does behind them; `courier.py` sends webhooks; `pages.py` is for people. `shapes.json` has the
keys of each resource; `reduce.py` wrote it.

Not as at Stripe, as far as we know: all items of a subscription have one interval; a search is never behind; the
portal has a default configuration; no account has a rate limit; a first tier's flat amount is not charged for no use;
a summary window without use is left out; cards are the only payment method and none asks for 3-D Secure. Parameters
without effect are told by `StripeServer.ignored`; a route that is not faked is a violation.
"""

from tests.fakes.stripe.server import StripeServer

__all__ = ["StripeServer"]
