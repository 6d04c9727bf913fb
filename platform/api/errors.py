"""Problems by RFC 9457: every error of the API in one shape, its code stable, its text in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import structlog
from django.conf import settings
from django.core import exceptions as core
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, JsonResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.utils.translation import gettext as _
from rest_framework import exceptions, status
from rest_framework.response import Response

from inference.intake.codes import TEMPLATES
from inference.intake.configured import limits
from inference.intake.outcome import NothingTaken
from tenants.errors import UserError
from tenants.ids import UnknownId

MEDIA_TYPE = "application/problem+json"
DOCS = "https://assay.example/problems/"

STATUS = {
    "invalid_request": 400, "unparsable": 400, "unauthenticated": 401,
    "quota_exceeded": 402, "payment_required": 402, "spending_limit_reached": 402,
    "scope_missing": 403, "role_missing": 403, "feature_not_in_plan": 403, "tenant_suspended": 403,
    "permission_denied": 403, "not_found": 404, "unknown_plugin": 404, "unknown_plan": 404,
    "method_not_allowed": 405, "not_acceptable": 406,
    "job_not_finished": 409, "job_already_finished": 409, "job_failed": 409, "study_in_use": 409,
    "study_held": 409, "study_not_held": 409, "legal_hold": 409,
    "idempotency_in_progress": 409, "invoice_not_open": 409, "invoice_not_voidable": 409, "adjustment_decided": 409,
    "second_person_needed": 403, "unknown_coupon": 404, "purged": 410, "too_many_files": 413, "request_too_large": 413,
    "file_too_large": 413, "length_required": 411, "unsupported_media_type": 415, "concurrency_limit": 429,
    "rate_limit": 429, "unavailable": 503, "provider_unavailable": 503, "printing_unavailable": 503,
    "checkout_closed": 409, "output_unavailable": 409, "output_needs_dicom": 409, "output_needs_outlines": 409,
    "output_needs_findings": 409,
    "result_signed": 409, "result_not_signed": 409, "review_not_allowed": 409,
    "findings_unreviewed": 409, "person_needed": 403, "result_changed": 412,
    "caps_in_another_currency": 409, "payment_page_pending": 503,
}  # fmt: skip
"""Every code with its status; content that is understood but not acceptable is 422."""

TITLES = {
    400: "Bad request", 401: "Credential needed", 402: "Payment needed", 403: "Not allowed", 404: "Not found",
    405: "Method not allowed", 406: "Not acceptable", 409: "Conflict", 410: "Gone", 411: "Length needed",
    412: "Changed meanwhile", 413: "Too large",
    415: "Unsupported media type", 422: "Content not accepted", 429: "Slow down", 500: "Our failure",
    503: "Not available now",
}  # fmt: skip

NOT_FOUND = "There is no such object."
NOT_ALLOWED = "The request is not allowed."
NOT_NOW = "The service can not answer now: try again in a few seconds."
RETRY_SECONDS = 2
OUR_FAILURE = "Something failed on our side. Name the request id to the support."

FRAMEWORK = {
    exceptions.ParseError: ("unparsable", "The body can not be parsed as JSON."),
    exceptions.NotAuthenticated: ("unauthenticated", "A valid API key is needed."),
    exceptions.AuthenticationFailed: ("unauthenticated", "A valid API key is needed."),
    exceptions.MethodNotAllowed: ("method_not_allowed", "This address does not take that method."),
    exceptions.NotAcceptable: ("not_acceptable", "Only application/json is given."),
    exceptions.UnsupportedMediaType: ("unsupported_media_type", "The media type of the body is not taken here."),
}


class BodyTooLarge(core.RequestDataTooBig):
    """The files of a body whose length is not known went on beyond their cap."""


BODY = {
    BodyTooLarge: ("request_too_large", TEMPLATES["request_too_large"]),
    core.TooManyFilesSent: (
        "too_many_files",
        "A request carries at most %(files)s files: send the others in further requests; files of one study join it.",
    ),
    core.TooManyFieldsSent: ("request_too_large", "A form has at most %(fields)s fields."),
    core.RequestDataTooBig: ("request_too_large", "A body beside its files has at most %(bytes)s bytes."),
    MultiPartParserError: (
        "unparsable",
        "The body can not be parsed as multipart/form-data: it needs a boundary and whole parts.",
    ),
    UnreadablePostError: ("unparsable", "The body broke off: send the request again."),
}
"""What Django raises while it reads a body."""

log = structlog.get_logger(__name__)
Entry = dict[str, str]


class InvalidFields(UserError):
    """The body is JSON, but its fields are not right; one entry each."""

    code = "invalid_fields"
    template = "The request has fields that are not right."

    def __init__(self, entries: Iterable[Entry]) -> None:
        super().__init__()
        self.entries = list(entries)


class NotFound(UserError):
    """No such object for this tenant."""

    code = "not_found"
    template = NOT_FOUND


def problem_response(error: Exception, context: Mapping[str, Any]) -> Response:
    """The handler that DRF calls for every exception of a view; the transaction has been rolled back by then."""
    request = context["request"]
    body = problem_of(error, request)
    response = Response(body, status=body["status"], content_type=MEDIA_TYPE)
    retry_after = body.get("retry_after") or getattr(error, "wait", None)
    if retry_after:
        response["Retry-After"] = str(int(retry_after))
    if body["status"] == status.HTTP_401_UNAUTHORIZED:
        response["WWW-Authenticate"] = "Bearer"
    return response


def problem_of(error: Exception, request: Any) -> dict[str, Any]:
    """The problem object of an exception; what is not the user's is logged and told in general words."""
    if isinstance(error, UserError):
        return from_user_error(error, request)
    if isinstance(error, (Http404, UnknownId, exceptions.NotFound)):
        return problem(request, "not_found", NOT_FOUND)
    if isinstance(error, exceptions.PermissionDenied):
        return problem(request, "permission_denied", "The request needs the CSRF token of our own pages.")
    for kind, (code, text) in FRAMEWORK.items():
        if isinstance(error, kind):
            return problem(request, code, text)
    for kind, (code, text) in BODY.items():
        if isinstance(error, kind):
            return problem(request, code, _(text) % body_limits())
    return our_problem(error, request)


def our_problem(error: Exception, request: Any) -> dict[str, Any]:
    """What the client can not mend: told in general words, logged in full."""
    if isinstance(error, (OperationalError, InterfaceError)):
        log.error("the database does not answer", reason=type(error).__name__)
        return {**problem(request, "unavailable", NOT_NOW), "retry_after": RETRY_SECONDS}
    log.error("a request failed", exc_info=error)
    return problem(request, "internal_error", OUR_FAILURE, status_code=500)


def body_limits() -> dict[str, int | None]:
    return {
        "files": settings.DATA_UPLOAD_MAX_NUMBER_FILES,
        "fields": settings.DATA_UPLOAD_MAX_NUMBER_FIELDS,
        "bytes": settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
        "limit": limits().total_bytes,
    }


def from_user_error(error: UserError, request: Any) -> dict[str, Any]:
    """The problem object of an error that the user can mend."""
    body = problem(request, error.code, translated(error), errors=entries_of(error))
    # what an error adds never takes the place of a member that every problem has
    return {**body, **error.extra, **body}


def entries_of(error: UserError) -> list[Entry]:
    """One entry for each fault: of a field, of a file."""
    if isinstance(error, InvalidFields):
        return error.entries
    if isinstance(error, NothingTaken):
        return [
            {**entry(f"/files/{number}", outcome.code, translated(outcome.error)), "name": outcome.name}
            for number, outcome in enumerate(error.files)
            if outcome.error
        ]
    return [entry(error.pointer, error.code, translated(error))] if error.pointer else []


def entry(pointer: str, code: str, detail: str, **params: object) -> Entry:
    """One fault; `detail` is a template, told in the language of the request."""
    text = _(detail) if detail else ""
    return {"pointer": pointer, "code": code, "detail": text % params if params else text}


def translated(error: UserError) -> str:
    """The sentence in the language of the request."""
    template = _(error.template)
    return template % error.params if error.params else template


def problem(
    request: Any, code: str, detail: str, *, status_code: int | None = None, errors: list[Entry] | None = None
) -> dict[str, Any]:
    """A problem object; all its members are always there."""
    number = status_code or STATUS.get(code, status.HTTP_422_UNPROCESSABLE_ENTITY)
    return {
        "type": f"{DOCS}{code}",
        "title": _(TITLES[number]),
        "status": number,
        "detail": _(detail),
        "instance": request.path,
        "code": code,
        "request_id": getattr(getattr(request, "_request", request), "request_id", ""),
        "errors": errors or [],
    }


def problem_page(request: HttpRequest, code: str, detail: str, status_code: int | None = None) -> JsonResponse:
    """The same for failures before any view is reached."""
    body = problem(request, code, detail, status_code=status_code)
    return JsonResponse(body, status=body["status"], content_type=MEDIA_TYPE)
