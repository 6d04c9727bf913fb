"""Headers that keep a page's content its own."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

Respond = Callable[[HttpRequest], HttpResponse]
POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
LOOSE = f"{POLICY}; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'"
LOOSE_PATHS = ("/admin/", "/docs/")


class ContentSecurityPolicy:
    """Pages load nothing from elsewhere and run no inline script; admin and Swagger bring inline ones of their own."""

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        loose = request.path.startswith(LOOSE_PATHS)
        response.headers.setdefault("Content-Security-Policy", LOOSE if loose else POLICY)
        return response
