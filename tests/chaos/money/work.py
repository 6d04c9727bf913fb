"""The work of a run, the same for whoever asks: which jobs there are, whose they are, and how each of them ends."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID, uuid5

NAMESPACE = UUID("6d1b1a2e-7a1f-5d0c-9a3c-2b7b8f6d9e01")
KINDS = (("digits", "image", 9), ("xray-chest-nodule", "study", 1), ("digits", "image", 60))
"""Plugin, unit, and the most units of a job."""
ONE_IN_FAILS = 12


@dataclass(frozen=True, slots=True)
class Work:
    """One job; one that `fails` gives its place back and is never billed."""

    number: int
    job_id: UUID
    tenant: int
    plugin: str
    unit: str
    quantity: Decimal
    fails: bool


def work(seed: int, number: int, tenants: int) -> Work:
    """Job `number` of the run `seed`."""
    job_id = uuid5(NAMESPACE, f"{seed}:{number}")
    draw = random.Random(job_id.int)
    plugin, unit, most = draw.choice(KINDS)
    fails = draw.randrange(ONE_IN_FAILS) == 0
    return Work(number, job_id, number % tenants, plugin, unit, Decimal(draw.randint(1, most)), fails)


def chunks(seed: int, events: int, tenants: int, size: int) -> Iterator[list[Work]]:
    """All jobs in their order, in chunks."""
    for start in range(0, events, size):
        yield [work(seed, number, tenants) for number in range(start, min(events, start + size))]
