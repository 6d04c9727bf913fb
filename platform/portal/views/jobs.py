"""New analysis, the list of jobs, one job, its result."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from inference import jobs, notes, pictures
from inference.domain.states import ENDED
from inference.models import Job, JobState, Result
from inference.plugins import registry as plugins
from inference.plugins.base import AnyPlugin
from portal.base import TenantView, find, first_page, own
from tenants.errors import UserError
from tenants.ids import encode

PAGE_SIZE = 25


def in_language(both: Any) -> str:
    """The text of a plugin in the reader's language."""
    text: str = both.zh_hans if (get_language() or "").startswith("zh") else both.en
    return text


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
        if job.state == JobState.SUCCEEDED:
            return self.result(request, identity, job)
        context = {"identity": identity, "job": job, "ended": job.state in ENDED, "reason": reason(job)}
        context |= {"title": title_of(job), "states": JobState.choices, "position": jobs.queue_position(job)}
        return self.page(request, "job.html", **context)

    def result(self, request: HttpRequest, identity: str, job: Job) -> HttpResponse:
        found = Result.objects.for_tenant(self.tenant).select_related("job__study").get(job=job)
        disclaimer = found.disclaimer["zh_hans" if (get_language() or "").startswith("zh") else "en"]
        return self.page(
            request,
            "result.html",
            identity=identity,
            job=job,
            study=encode("std", job.study_id) if job.study_id else "",
            result=found,
            notes=[notes.in_language(note) for note in found.notes],
            findings=list(found.findings.order_by("position")),
            pictures=[(encode("ins", picture.instance.id), picture) for picture in pictures.drawn_of(found)],
            predictions=named_predictions(found),
            title=title_of(job),
            labels=labels_of(found),
            disclaimer=disclaimer,
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


def title_of(job: Job) -> str:
    """The analysis in the reader's language; its slug where it is not installed any more."""
    plugin = plugins.installed().get(job.plugin)
    return in_language(plugin.manifest.title) if plugin else job.plugin


def labels_of(result: Result) -> list[list[dict[str, Any]]]:
    """The two best labels of each item, in the items' order."""
    return [prediction["labels"][:2] for prediction in result.predictions or []]


def reason(job: Job) -> str:
    """Why a job failed, in the reader's language."""
    if not job.error:
        return ""
    template = _(job.error["template"])
    return template % job.error["params"] if job.error.get("params") else template


def sentence(error: UserError) -> str:
    template = _(error.template)
    return template % error.params if error.params else template


def named_predictions(result: Result) -> dict[str, dict[str, Any]]:
    """The best label of each item, by the item's public id."""
    return {
        str(prediction["item"]): prediction["labels"][0]
        for prediction in result.predictions or []
        if prediction["labels"]
    }
