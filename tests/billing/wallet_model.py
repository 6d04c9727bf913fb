"""What a wallet must do, told by plain arithmetic: no database, no code of the product."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

FREE, UNIT, LIMIT, KEPT = 2, 10, 9, timedelta(hours=3)
"""Two units come free, each further one costs ten; nine are the most; how long a place is kept."""
FOREVER = datetime.max.replace(tzinfo=UTC)


@dataclass
class Grant:
    """Burned by `order`: priority, expiry, age."""

    id: UUID
    amount: int
    priority: int
    expires_at: datetime | None
    age: int
    held: int = 0
    consumed: int = 0
    expired: int = 0
    voided: int = 0

    @property
    def left(self) -> int:
        return self.amount - self.held - self.consumed - self.expired - self.voided

    @property
    def order(self) -> tuple[int, datetime, int]:
        return self.priority, self.expires_at or FOREVER, self.age

    def over(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now

    @property
    def parts(self) -> tuple[int, ...]:
        return self.amount, self.held, self.consumed, self.expired, self.voided


@dataclass
class Job:
    """`parts` are what it holds of grants, or has used of them; `rest` goes on an invoice."""

    units: int
    amount: int
    expires_at: datetime
    state: str = "held"
    parts: list[tuple[Grant, int]] = field(default_factory=list)
    rest: int = 0

    @property
    def credited(self) -> int:
        return sum(part for _, part in self.parts)


@dataclass
class Wallet:
    """One customer's."""

    prepaid: bool
    cap: int | None = None
    grants: list[Grant] = field(default_factory=list)
    jobs: dict[UUID, Job] = field(default_factory=dict)
    used: int = 0
    reserved: int = 0
    spent: int = 0
    held: int = 0

    def quote(self, units: int) -> int:
        """The dearer of two places, unit by unit."""
        return max(self._price(self.used, units), self._price(self.used + self.reserved, units))

    @staticmethod
    def _price(place: int, units: int) -> int:
        return sum(UNIT for number in range(place + 1, place + units + 1) if number > FREE)

    def refusal(self, units: int, now: datetime) -> str | None:
        """The code of the refusal of a new job, None where there is room for it."""
        if self.used + self.reserved + units > LIMIT:
            return "quota_exceeded"
        amount = self.quote(units)
        rest = amount - sum(part for _, part in self.burn(amount, now))
        if rest and self.prepaid:
            return "payment_required"
        if rest and self.cap is not None and self.spent + self.held + rest > self.cap:
            return "spending_limit_reached"
        return None

    def submit(self, job_id: UUID, units: int, now: datetime) -> Job:
        job = Job(units, self.quote(units), now + KEPT)
        job.parts = self.burn(job.amount, now)
        job.rest = job.amount - job.credited
        for grant, part in job.parts:
            grant.held += part
        self.reserved += units
        self.held += job.rest
        self.jobs[job_id] = job
        return job

    def settle(self, job: Job, now: datetime) -> None:
        if job.state == "expired":
            job.parts = self.burn(job.amount, now)
            job.rest = job.amount - job.credited
        elif job.state == "held":
            self._unhold(job)
        for grant, part in job.parts:
            grant.consumed += part
        self.used += job.units
        self.spent += job.rest
        job.state = "settled"

    def give_back(self, job: Job, state: str, now: datetime) -> None:
        self._unhold(job)
        for grant, part in job.parts:
            if grant.voided:
                grant.voided += part
            elif grant.over(now):
                grant.expired += part
        job.state = state

    def sweep(self, now: datetime) -> None:
        for job in self.jobs.values():
            if job.state == "held" and job.expires_at <= now:
                self.give_back(job, "expired", now)
        for grant in self.grants:
            if grant.over(now) and not grant.expired and not grant.voided:
                grant.expired += grant.left

    def burn(self, amount: int, now: datetime) -> list[tuple[Grant, int]]:
        parts = []
        for grant in sorted(self.grants, key=lambda each: each.order):
            part = 0 if grant.over(now) or grant.voided else min(amount, grant.left)
            if part:
                parts.append((grant, part))
                amount -= part
        return parts

    def _unhold(self, job: Job) -> None:
        self.reserved -= job.units
        self.held -= job.rest
        for grant, part in job.parts:
            grant.held -= part

    @property
    def books(self) -> dict[str, int]:
        """The balances of the ledger's accounts."""
        settled = [job for job in self.jobs.values() if job.state == "settled"]
        lost = sum(grant.expired + grant.voided for grant in self.grants)
        balances = {
            "promotion": sum(grant.amount for grant in self.grants),
            "customer_credit": -sum(grant.amount - grant.consumed for grant in self.grants) + lost,
            "breakage": -lost,
            "accrued_usage": sum(job.amount - job.credited for job in settled),
            "revenue": -sum(job.amount for job in settled),
        }
        return {account: balance for account, balance in balances.items() if balance}
