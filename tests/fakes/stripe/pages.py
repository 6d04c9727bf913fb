"""The pages that a person sees at Stripe."""

from __future__ import annotations

from tests.fakes.stripe.api import Raw
from tests.fakes.stripe.idempotency import Answer
from tests.fakes.stripe.state import State


def answer(state: State, raw: Raw) -> Answer:
    return Answer(404, "not found", {})
