"""The customers of a run: they submit over HTTP, and ask again with the same key until they have an answer."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import httpx

KINDS = ["fine"] * 16 + ["refused"] * 3 + ["poison"]
PATIENCE = 40.0
ASK_AGAIN = {httpx.codes.CONFLICT, httpx.codes.TOO_MANY_REQUESTS}


@dataclass(frozen=True)
class Customer:
    """A key and a study, by its public id."""

    api_key: str
    study: str


@dataclass
class Submitted:
    """What the server promised: jobs with their kind. `unanswered` requests may or may not have made a job."""

    accepted: dict[UUID, str] = field(default_factory=dict)
    unanswered: int = 0
    asked_again: int = 0
    refused: list[str] = field(default_factory=list)


@dataclass
class Submitter:
    """Sends the jobs of all customers, one after the other, spread over the time in which faults strike."""

    base_url: str
    rng: random.Random
    customers: Sequence[Customer]
    submitted: Submitted = field(default_factory=Submitted)
    ending: threading.Event = field(default_factory=threading.Event)

    def run(self, count: int, seconds: float) -> None:
        with httpx.Client(base_url=self.base_url, timeout=15) as client:
            for number in range(count):
                if self.ending.wait(self.rng.uniform(0, 1.6) * seconds / count):
                    return
                self.submit(client, self.customers[number % len(self.customers)], f"job-{number}")

    def submit(self, client: httpx.Client, customer: Customer, key: str) -> None:
        """One job, however often it must be asked for."""
        kind = self.rng.choice(KINDS)
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            answer = ask(client, customer, key, kind)
            if answer is not None and answer.is_success:
                self.submitted.accepted[job_of(answer)] = kind
                return
            if answer is not None and answer.is_client_error and answer.status_code not in ASK_AGAIN:
                self.submitted.refused.append(f"{key} was refused: {answer.status_code} {answer.text[:200]}")
                return
            self.submitted.asked_again += 1
            self.ending.wait(0.2)
        self.submitted.unanswered += 1


def ask(client: httpx.Client, customer: Customer, key: str, kind: str) -> httpx.Response | None:
    """One request; None when the connection broke, which tells nothing of what the server did."""
    body = {"study": customer.study, "plugin": "chaos", "params": {"kind": kind}}
    headers = {"Authorization": f"Bearer {customer.api_key}", "Idempotency-Key": key}
    try:
        return client.post("/v1/jobs", json=body, headers=headers)
    except httpx.HTTPError:
        return None


def job_of(answer: httpx.Response) -> UUID:
    from tenants.ids import decode

    return decode("job", answer.json()["id"])
