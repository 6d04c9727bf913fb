"""What tests of reviews share: a clinic with a reviewer and a finished job, and acts in its name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from inference import review
from inference.domain.editing import Drawn
from inference.domain.reading import Reading
from inference.domain.reviewing import Act
from inference.models import Finding, Instance, Job, Result, Review
from inference.reading import reading_of
from inference.review import Judged, Reviewer
from tenants.context import operator_context, tenant_context
from tenants.ids import encode
from tenants.models import Membership, Role, Tenant, User
from tests.conftest import Party
from tests.inference.work import MASS, study_of, submit, work


def person(party: Party, role: Role, name: str = "") -> User:
    """Somebody new in a role."""
    with operator_context():
        found = User.objects.create_user(f"{role}{name}@{party.tenant.name}.example", "a long password", name=name)
        Membership.objects.create(tenant=party.tenant, user=found, role=role)
    return found


@dataclass(frozen=True)
class Ward:
    """A finished job of a tenant, its result with one finding, and the people around it."""

    party: Party
    job: Job
    reviewer: User

    @property
    def tenant(self) -> Tenant:
        return self.party.tenant

    @property
    def by(self) -> Reviewer:
        return Reviewer(f"user:{self.reviewer.pk}", self.reviewer, Role.REVIEWER)

    def result(self) -> Result:
        found: Result = Result.objects.select_related("job__study").get(job=self.job)
        return found

    def reading(self) -> Reading:
        with tenant_context(self.tenant.id):
            return reading_of(self.result())

    def finding(self, place: int = 0) -> Finding:
        found: Finding = Finding.objects.select_related("result__job__study").order_by("position")[place]
        return found

    def judge(self, act: Act, reason: str = "", place: int = 0, expected: int | None = None, **drawn: Any) -> Review:
        with tenant_context(self.tenant.id):
            judged = Judged(act, reason, Drawn(**drawn))
            return review.review(self.finding(place), judged, by=self.by, expected=expected)

    def add(self, bbox: tuple[float, ...] = (4, 4, 10, 8), expected: int | None = None) -> Review:
        with tenant_context(self.tenant.id):
            image = str(Instance.objects.get(study_id=self.job.study_id).id)
            drawn = Drawn(type=MASS, instance_id=image, bbox=bbox)
            return review.add(self.result(), drawn, by=self.by, expected=expected)

    def conclude(self, text: str, expected: int | None = None) -> Review:
        with tenant_context(self.tenant.id):
            return review.conclude(self.result(), text, by=self.by, expected=expected)

    def sign(self, expected: int | None = None) -> Any:
        with tenant_context(self.tenant.id):
            return review.sign(self.result(), "Dr. Grey", statement=True, by=self.by, expected=expected)

    def append(self, text: str) -> Any:
        with tenant_context(self.tenant.id):
            return review.append(self.result(), text, by=self.by)

    def path(self, kind: str = "result") -> str:
        """The address of the result's acts at the REST interface."""
        with tenant_context(self.tenant.id):
            name = encode("res", self.result().id) if kind == "result" else encode("fnd", self.finding().id)
        return f"/v1/{kind}s/{name}"


def make_ward(party: Party) -> Ward:
    job = submit(party.tenant, study_of(party.tenant))
    work()
    return Ward(party, job, person(party, Role.REVIEWER, "Grey"))
