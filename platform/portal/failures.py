"""What people see when something fails outside of a view."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop


@dataclass(frozen=True, slots=True)
class Failure:
    """A status, in words that say what to do next."""

    status: int
    title: str
    text: str


BAD_REQUEST = Failure(400, gettext_noop("Bad request"), gettext_noop("The server could not read this request."))
DENIED = Failure(
    403,
    gettext_noop("Not allowed"),
    gettext_noop("Your role does not open this page. An owner or administrator of your organisation can change that."),
)
NOT_FOUND = Failure(
    404,
    gettext_noop("Not found"),
    gettext_noop("There is nothing at this address, or nothing that belongs to your organisation."),
)
BROKEN = Failure(
    500,
    gettext_noop("Our failure"),
    gettext_noop("Something failed on our side. Nothing that you sent before is lost; try again in a moment."),
)
CSRF = Failure(
    403,
    gettext_noop("Not allowed"),
    gettext_noop("The page was open for too long, or cookies are off. Go back, load it again and repeat what you did."),
)


def page(request: HttpRequest, failure: Failure) -> HttpResponse:
    """In our look, in the reader's language, with the way back. Asks no database: it may be what failed."""
    context = {
        "title": _(failure.title),
        "text": _(failure.text),
        "request_id": getattr(request, "request_id", ""),
    }
    return render(request, "portal/failure.html", context, status=failure.status)


def csrf(request: HttpRequest, reason: str = "") -> HttpResponse:
    """`CSRF_FAILURE_VIEW`."""
    return page(request, CSRF)
