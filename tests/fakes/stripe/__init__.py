"""A stateful, strict fake of Stripe's API, on loopback, for the real SDK to talk to.

`StripeServer` is all that a test needs. What each file does is said at its top; `contract.py` is the strict part,
`resources/` the stateful one.
"""

from tests.fakes.stripe.server import StripeServer

__all__ = ["StripeServer"]
