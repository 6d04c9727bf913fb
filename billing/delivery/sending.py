"""Sending claimed runs: each in order and one message at a time, several at once where only the network is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from functools import cached_property
from queue import SimpleQueue
from typing import Any
from uuid import UUID

import structlog

from billing import accounts, clock, customers
from billing.claims import Ended, Run
from billing.delivery import reports, topics
from billing.delivery.attempt import Attempt, Outcome, delivered, later, parked, unsent
from billing.providers.base import BillingProvider, Rejected, TryAgain
from tenants.context import operator_context

log = structlog.get_logger(__name__)

MOST_FAULTS = 10
"""So many attempts may end in an error that is nobody's answer: then a person has to look."""
WRITE_EVERY = 0.5
"""Seconds that an outcome waits at most for others to be written with, while calls are under way."""
Act = Callable[[Attempt], dict[str, Any]]
"""Delivers a message; what is noted in its payload."""


def send(runs: list[Run]) -> Iterator[list[Ended]]:
    """Send runs; what became of their attempts, as it comes.

    Runs of which all is known go side by side in threads that never ask the database. The others go one after the
    other, here.
    """
    ready = reports.prepare([attempt for run in runs for attempt in run])
    together = [run for run in runs if all(attempt.message.id in ready for attempt in run)]
    came: SimpleQueue[Ended] = SimpleQueue()
    with ThreadPoolExecutor(max(1, len(together))) as pool:
        calls = [pool.submit(copy_context().run, _bring, run, _prepared(ready), came) for run in together]
        for run in runs:
            if run not in together:
                for ended in _follow(run, _carefully(run)):
                    yield [ended, *_arrived(came)]
        yield from _as_they_come(calls, came)


def _as_they_come(calls: list[Future[None]], came: SimpleQueue[Ended]) -> Iterator[list[Ended]]:
    """Until all calls are over. Raises what a thread has met."""
    under_way = set(calls)
    while under_way:
        _, under_way = wait(under_way, WRITE_EVERY)
        yield list(_arrived(came))
    for call in calls:
        call.result()


def _bring(run: Run, act: Act, came: SimpleQueue[Ended]) -> None:
    for ended in _follow(run, act):
        came.put(ended)


def _follow(run: Run, act: Act) -> Iterator[Ended]:
    """One after the other until one does not arrive, or the time to begin a call is over."""
    going = True
    for attempt in run:
        going = going and clock.now() < attempt.begin_by
        outcome = _outcome(attempt, act) if going else unsent(attempt)
        going = going and outcome.ended
        yield attempt, outcome


def _arrived(came: SimpleQueue[Ended]) -> Iterator[Ended]:
    while not came.empty():
        yield came.get()


def _prepared(ready: dict[UUID, reports.Ready]) -> Act:
    return lambda attempt: ready[attempt.message.id].send()


def _carefully(run: Run) -> Act:
    """With all that its topic has to look up on the way."""
    once = _Once(run[0].message.tenant_id)
    return lambda attempt: topics.deliver(attempt, once.provider)


class _Once:
    """The provider of a tenant, asked for once in a run."""

    def __init__(self, tenant_id: UUID) -> None:
        self.tenant_id = tenant_id

    @cached_property
    def provider(self) -> BillingProvider:
        with operator_context():
            name = customers.of(self.tenant_id).provider
        return accounts.usable(name)


def _outcome(attempt: Attempt, act: Act) -> Outcome:
    """One attempt, outside of transactions."""
    try:
        return delivered(act(attempt))
    except TryAgain as failure:
        return later(attempt, str(failure), after=failure.after, ambiguous=failure.ambiguous)
    except Rejected as refusal:
        return parked(str(refusal), ambiguous=attempt.was_ambiguous)
    except Exception as fault:
        log.exception("billing.relay_failed", key=attempt.message.key, topic=attempt.message.topic)
        if attempt.number >= MOST_FAULTS:
            return parked(repr(fault), ambiguous=True)
        return later(attempt, repr(fault), ambiguous=True)
