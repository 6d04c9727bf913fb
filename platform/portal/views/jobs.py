"""New analysis, the list of jobs, one job, its result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from inference import jobs, notes, pictures
from inference.advice import advice_of
from inference.comparison import comparison_of
from inference.domain.states import ENDED
from inference.drawn_on import types_of
from inference.models import Job, JobState, Result
from inference.outputs import store
from inference.plugins import registry as plugins
from inference.plugins.base import AnyPlugin
from inference.reading import reading_of
from portal import reviewing
from portal.base import TenantView, find, first_page, own
from portal.names import in_language, output_name, reads_chinese
from tenants.errors import UserError
from tenants.ids import encode

PAGE_SIZE = 25


def card(plugin: AnyPlugin) -> dict[str, str]:
    manifest = plugin.manifest
    return {
        "slug": manifest.slug, "version": manifest.version, "title": in_language(manifest.title),
        "description": in_language(manifest.description), "intended_use": in_language(manifest.intended_use),
    }  # fmt: skip


class Home(TenantView):
    """Send files, pick an analysis with its price, submit. The page's script talks to the REST interface.

    Everybody lands here after the log-in: who may not submit is led to the page that the role begins at.
    """

    def get(self, request: HttpRequest) -> HttpResponse:
        if "jobs:write" not in self.scopes:
            return redirect(first_page(self.scopes))
        cards = [card(plugin) for _slug, plugin in sorted(plugins.installed().items())]
        return self.page(request, "home.html", cards=cards)


class Jobs(TenantView):
    """All jobs, newest first."""

    scope = "jobs:read"

    def get(self, request: HttpRequest) -> HttpResponse:
        rows = Job.objects.for_tenant(self.tenant).order_by("-created_at", "-id")
        state = request.GET.get("state", "")
        if state in JobState.values:
            rows = rows.filter(state=state)
        page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
        listed = [(encode("job", row.id), row) for row in page]
        return self.page(request, "jobs.html", listed=listed, page=page, state=state, states=JobState.choices)


class JobPage(TenantView):
    """One job: live until it has ended; then its result, or why there is none."""

    scope = "jobs:read"

    def get(self, request: HttpRequest, identity: str) -> HttpResponse:
        job = own(Job.objects.for_tenant(self.tenant).select_related("study").filter(pk=find("job", identity)).first())
        if job.state == JobState.SUCCEEDED and Result.objects.for_tenant(self.tenant).filter(job=job).exists():
            return self.result(request, identity, job)
        context = {"identity": identity, "job": job, "ended": job.state in ENDED, "reason": reason(job)}
        context["purged"] = job.state == JobState.SUCCEEDED
        context |= {"states": JobState.choices, "position": jobs.queue_position(job)}
        return self.page(request, "job.html", **context)

    def result(self, request: HttpRequest, identity: str, job: Job, **drafts: str) -> HttpResponse:
        """The page of a result; `drafts` are texts that were typed and could not be kept."""
        found = Result.objects.for_tenant(self.tenant).select_related("job__study").get(job=job)
        disclaimer = found.disclaimer["zh_hans" if reads_chinese() else "en"]
        predicted, reading = predicted_of(found), reading_of(found)
        pictured = [(encode("ins", one.instance.id), one) for one in pictures.drawn_of(found, reading)]
        return self.page(
            request,
            "result.html",
            identity=identity,
            job=job,
            study=encode("std", job.study_id) if job.study_id else "",
            result=found,
            notes=[notes.in_language(note) for note in found.notes],
            findings=[reviewing.shown(one, reading) for one in reading.findings],
            reading=reading,
            types=types_of(found),
            drafts=drafts,
            pictures=pictured,
            predicted=predicted,
            by_item={one.item: one for one in predicted},
            disclaimer=disclaimer,
            **downloads_of(found),
            advice=advice_of(found, reading),
            comparison=comparison_of(found, reading),
            **deidentification_of(job),
        )

    def post(self, request: HttpRequest, identity: str) -> HttpResponse:
        """Cancel or retry."""
        job = own(Job.objects.for_tenant(self.tenant).filter(pk=find("job", identity)).first())
        verb = {"cancel": jobs.cancel, "retry": jobs.retry}.get(request.POST.get("verb", ""))
        try:
            if verb and "jobs:write" in self.scopes:
                verb(job, actor=self.actor)
        except UserError as error:
            messages.error(request, sentence(error))
        return redirect("portal:job", identity)


def downloads_of(result: Result) -> dict[str, list[Any]]:
    """The outputs that can be had, each with its name, and why there are no others, each reason once."""
    offers = store.offers(result)
    had = [(offer.kind.name, output_name(offer.kind.name)) for offer in offers if offer.made or not offer.refusal]
    reasons = [sentence(offer.refusal) for offer in offers if offer.refusal and not offer.made]
    return {"downloads": had, "no_downloads": list(dict.fromkeys(reasons))}


@dataclass(frozen=True, slots=True)
class Predicted:
    """One item of a job that labels: its place among the items, and its two best labels."""

    number: int
    item: str
    labels: list[dict[str, Any]]


ACTIONS = {
    "removed": gettext_lazy("Removed"),
    "emptied": gettext_lazy("Emptied"),
    "replaced": gettext_lazy("Replaced"),
    "shifted": gettext_lazy("Dates moved"),
    "remapped": gettext_lazy("UIDs mapped"),
    "cleaned": gettext_lazy("Cleaned"),
}
"""What was done to an attribute, by the word of the report."""


def deidentification_of(job: Job) -> dict[str, Any]:
    """Which attributes of the study were changed when it came in, for the page."""
    report = getattr(job.study, "deidentification", None)
    if report is None:
        return {}
    changed = [(ACTIONS[action], sorted(counted)) for action, counted in report.counts.items() if action in ACTIONS]
    return {"deidentified": report, "changed": changed}


def predicted_of(result: Result) -> list[Predicted]:
    """The items in the order of the study, for the table; at a picture the number tells which row is its."""
    return [
        Predicted(number, str(one["item"]), one["labels"][:2])
        for number, one in enumerate(result.predictions or [], 1)
        if one["labels"]
    ]


def reason(job: Job) -> str:
    """Why a job failed, in the reader's language."""
    if not job.error:
        return ""
    template = _(job.error["template"])
    return template % job.error["params"] if job.error.get("params") else template


def sentence(error: UserError) -> str:
    template = _(error.template)
    return template % error.params if error.params else template
