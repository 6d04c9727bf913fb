"""Reviews at the portal: each act is a form that works without a script, and ends on the page of the result."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from inference import review
from inference.domain.editing import Drawn
from inference.domain.placing import OutlineInvalid
from inference.domain.report import Finding as FoundFinding
from inference.domain.reviewing import Act
from inference.drawn_on import type_named
from inference.models import Finding, Job, Result
from inference.reading import reading_of
from inference.review import Judged, ResultChanged, Reviewer
from portal.base import find, own
from portal.reviewing import flat
from portal.views.jobs import JobPage, sentence
from tenants.errors import UserError
from tenants.ids import encode
from tenants.models import User
from tenants.roles import REVIEWERS

ACTS: dict[str, Act] = {"accept": "accepted", "edit": "edited", "reject": "rejected", "withdraw": "withdrawn"}
SIDES = ("left", "top", "right", "bottom")


class ResultAct(JobPage):
    """An act on a result. What was typed is not lost where it is refused: the page comes back with it."""

    scope = "jobs:write"
    draft: ClassVar[str] = ""
    anchor: ClassVar[str] = "review"

    def refuse_unless_allowed(self, request: HttpRequest) -> None:
        super().refuse_unless_allowed(request)
        if self.role not in REVIEWERS:
            raise PermissionDenied

    def get(self, request: HttpRequest, identity: str, **places: str) -> HttpResponse:
        """Who comes back to the address of an act reads the result."""
        if "finding" in places:
            rows = Finding.objects.for_tenant(self.tenant).filter(pk=find("fnd", places["finding"]))
            own(rows.filter(result__job_id=find("job", identity)).first())
        return super().get(request, identity)

    def post(self, request: HttpRequest, identity: str, **places: str) -> HttpResponse:
        rows = Result.objects.for_tenant(self.tenant).select_related("job__study")
        result = own(rows.filter(job_id=find("job", identity)).first())
        try:
            with transaction.atomic():
                anchor = self.act(request, result, **places)
        except UserError as error:
            messages.error(request, sentence(error))
            if self.draft:
                return self.again(request, identity, result.job)
            anchor = places.get("finding", self.anchor)
        return redirect(f"{reverse('portal:job', args=[identity])}#{anchor}")

    @abstractmethod
    def act(self, request: HttpRequest, result: Result, **places: str) -> str:
        """Do it; where on the page the person goes on. Raises `UserError`."""

    def again(self, request: HttpRequest, identity: str, job: Job) -> HttpResponse:
        """The page as it stands now, with what was typed."""
        page = self.result(request, identity, job, **{self.draft: request.POST.get("text", "")})
        page.status_code = 409
        return page

    @property
    def by(self) -> Reviewer:
        assert isinstance(self.request.user, User)
        return Reviewer(self.actor, self.request.user, self.role)

    @property
    def expected(self) -> int:
        """The version that the form was made of. Raises `ResultChanged` for a form that was tampered with."""
        try:
            return int(self.request.POST.get("version", ""))
        except ValueError:
            raise ResultChanged from None


class ReviewFinding(ResultAct):
    """Accept, edit, reject or take back."""

    def act(self, request: HttpRequest, result: Result, **places: str) -> str:
        finding = own(result.findings.filter(pk=find("fnd", places["finding"])).first())
        finding.result = result
        act = ACTS.get(request.POST.get("action", ""))
        if act is None:
            raise UserError
        drawn = drawn_of(request, result, finding) if act == "edited" else None
        judged = Judged(act, request.POST.get("reason", ""), drawn)
        review.review(finding, judged, by=self.by, expected=self.expected)
        return places["finding"]


class AddFinding(ResultAct):
    """A finding that the model did not have."""

    anchor = "add"

    def act(self, request: HttpRequest, result: Result, **places: str) -> str:
        review.add(result, drawn_of(request, result, None), by=self.by, expected=self.expected)
        return "add"


class Conclude(ResultAct):
    """The conclusion."""

    draft = "conclusion"

    def act(self, request: HttpRequest, result: Result, **places: str) -> str:
        review.conclude(result, request.POST.get("text", ""), by=self.by, expected=self.expected)
        messages.success(request, _("The conclusion is saved."))
        return "review"


class Sign(ResultAct):
    """The signature."""

    def act(self, request: HttpRequest, result: Result, **places: str) -> str:
        signer, statement = request.POST.get("signer", ""), request.POST.get("statement") == "yes"
        review.sign(result, signer, statement=statement, by=self.by, expected=self.expected)
        messages.success(request, _("The result is signed."))
        return "review"


class Append(ResultAct):
    """Words after the signature."""

    draft = "addendum"

    def act(self, request: HttpRequest, result: Result, **places: str) -> str:
        review.append(result, request.POST.get("text", ""), by=self.by, expected=self.expected)
        return "review"


def drawn_of(request: HttpRequest, result: Result, finding: Finding | None) -> Drawn:
    """The fields of an edit. A box that is the present one was not touched. Raises `OutlineInvalid`, `UnknownType`."""
    slug, instance = request.POST.get("type", ""), request.POST.get("instance", "")
    box = box_of(request)
    kind = type_named(result, slug) if slug else None
    present = present_of(result, finding) if finding else None
    if present:
        box = () if box == tuple(round(side, 2) for side in flat(present.location.bbox_px)) else box
    return Drawn(kind, str(find("ins", instance)) if instance else "", 1, box)


def present_of(result: Result, finding: Finding) -> FoundFinding | None:
    """The finding as it stands; None for one that was taken back."""
    identity = encode("fnd", finding.id)
    return next((one.finding for one in reading_of(result).findings if one.id == identity), None)


def box_of(request: HttpRequest) -> tuple[float, ...]:
    """Left, top, right, bottom; none where none was given. Raises `OutlineInvalid` for what is no number."""
    given = [request.POST.get(side, "").strip() for side in SIDES]
    if not any(given):
        return ()
    try:
        return tuple(round(float(side), 2) for side in given)
    except ValueError:
        raise OutlineInvalid from None
