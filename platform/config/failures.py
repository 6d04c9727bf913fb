"""Django's handlers of failures: below /v1/ a problem, else a page of the portal."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from api import errors
from portal import failures
from portal.failures import Failure

API = "/v1/"
PROBLEMS = {
    400: ("invalid_request", failures.BAD_REQUEST.text),
    403: ("permission_denied", errors.NOT_ALLOWED),
    404: ("not_found", errors.NOT_FOUND),
    500: ("internal_error", errors.OUR_FAILURE),
}


def answer(request: HttpRequest, failure: Failure) -> HttpResponse:
    if request.path.startswith(API):
        code, detail = PROBLEMS[failure.status]
        return errors.problem_page(request, code, detail, status_code=failure.status)
    return failures.page(request, failure)


def bad_request(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return answer(request, failures.BAD_REQUEST)


def denied(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return answer(request, failures.DENIED)


def not_found(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return answer(request, failures.NOT_FOUND)


def broken(request: HttpRequest) -> HttpResponse:
    return answer(request, failures.BROKEN)
