"""The passing of time: trials end, periods renew, drafts are finalised after their hour, payments are tried again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.fakes.stripe import invoicing, subscribing, usage
from tests.fakes.stripe.state import Json, State

INCOMPLETE_SECONDS = 23 * 3600
"""How long the first invoice of a subscription can be paid."""
Step = Callable[[State, Json], None]


def advance(state: State, to: int) -> None:
    """Does all that falls due until then, in order of time. Raises `ValueError` for a time that is past."""
    if to < state.now:
        raise ValueError("time does not run backwards")
    while waiting := [one for one in _due(state) if one[0] <= to]:
        _work_off(state, waiting)
    state.now = to
    usage.aggregate(state, received_until=to - usage.AGGREGATION_SECONDS)


def _work_off(state: State, waiting: list[tuple[int, Step, Json]]) -> None:
    """One step of each object, in order of time, as far as no step can put a new one in between."""
    first = min(at for at, _, _ in waiting)
    done: set[str] = set()
    for at, step, about in sorted(waiting, key=lambda one: one[0]):
        if at < first + invoicing.DRAFT_SECONDS and about["id"] not in done:
            done.add(about["id"])
            state.now = max(state.now, at)
            livemode = about.get("livemode", False)
            state.trigger = replace(state.trigger, id="", key=None, livemode=livemode)
            usage.aggregate(state, received_until=state.now - usage.AGGREGATION_SECONDS)
            step(state, about)


def _due(state: State) -> Iterator[tuple[int, Step, Json]]:
    """What waits for a time."""
    yield from _due_subscriptions(state)
    yield from _due_invoices(state)
    for session in state.objects.get("checkout.session", {}).values():
        if session["status"] == "open":
            yield session["expires_at"], expire, session


def _due_subscriptions(state: State) -> Iterator[tuple[int, Step, Json]]:
    for subscription in state.objects.get("subscription", {}).values():
        if subscription["status"] == "incomplete":
            yield subscription["start_date"] + INCOMPLETE_SECONDS, _give_up, subscription
        if subscription["status"] in ("active", "trialing", "past_due"):
            yield subscribing.current_period(subscription)[1], _renew, subscription
            if subscription["cancel_at"] is not None:
                yield subscription["cancel_at"], _cancel, subscription


def _due_invoices(state: State) -> Iterator[tuple[int, Step, Json]]:
    for invoice in state.objects.get("invoice", {}).values():
        if invoice["status"] == "draft" and invoice["automatically_finalizes_at"]:
            yield invoice["automatically_finalizes_at"], _finalize, invoice
        if invoice["status"] == "open" and invoice["next_payment_attempt"]:
            yield invoice["next_payment_attempt"], invoicing.collect, invoice


def expire(state: State, session: Json) -> None:
    """A checkout session that nobody used."""
    session |= {"status": "expired", "url": None}
    state.emit("checkout.session.expired", session)


def _give_up(state: State, subscription: Json) -> None:
    """The first invoice was not paid in time: there is no subscription."""
    before = {"status": subscription["status"]}
    subscription["status"] = "incomplete_expired"
    invoice = state.get("invoice", subscription["latest_invoice"])
    if invoice["status"] == "open":
        invoicing.void(state, invoice)
    state.emit("customer.subscription.updated", subscription, previous=before)


def _cancel(state: State, subscription: Json) -> None:
    """At the end that was asked for: the use of the period is still billed."""
    begun = subscribing.current_period(subscription)[0]
    subscribing.end(state, subscription, state.now)
    if any(subscribing.is_metered(item) for item in subscribing.items_of(subscription)):
        subscribing.bill_cycle(state, subscription, (begun, state.now), final=True)


def _renew(state: State, subscription: Json) -> None:
    """The next period begins, with a draft invoice."""
    if subscription["cancel_at"] is not None and subscription["cancel_at"] <= state.now:
        _cancel(state, subscription)
        return
    ended = subscribing.current_period(subscription)
    before = {"status": subscription["status"]}
    if subscription["status"] == "trialing":
        subscription["status"] = "active"
    subscribing.set_period(subscription, ended[1], subscribing.next_end(subscription, ended[1]))
    invoice = subscribing.bill_cycle(state, subscription, ended)
    pause = subscription["pause_collection"]
    if pause and (pause.get("resumes_at") or state.now + 1) <= state.now:
        subscription["pause_collection"] = pause = None
    if pause:
        _hold_back(state, invoice, pause["behavior"])
    state.emit("customer.subscription.updated", subscription, previous=before)


def _hold_back(state: State, invoice: Json, behavior: str) -> None:
    """What a paused collection does with an invoice."""
    if behavior == "keep_as_draft":
        invoice |= {"auto_advance": False, "automatically_finalizes_at": None}
        return
    invoicing.finalize(state, invoice)
    if invoice["status"] == "open":
        (invoicing.void if behavior == "void" else invoicing.mark_uncollectible)(state, invoice)


def _finalize(state: State, invoice: Json) -> None:
    invoicing.finalize(state, invoice)
    if invoice["status"] != "open":
        return
    if invoice["collection_method"] == "send_invoice":
        state.emit("invoice.sent", invoice)
    else:
        invoicing.collect(state, invoice)
