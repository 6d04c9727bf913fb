"""Where providers tell us what has happened: verified, stored, answered. What follows is done later."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from billing import inbox
from billing.providers import NoSuchProvider
from billing.providers.base import InvalidSignature

LARGEST_BODY = 512 * 1024
"""Bytes; a provider's event is a few thousand."""


@csrf_exempt
@require_POST
def receive(request: HttpRequest, provider: str) -> HttpResponse:
    """200 for what is kept, also for the second time; 400 for what the provider did not sign."""
    if int(request.headers.get("Content-Length") or 0) > LARGEST_BODY:
        return HttpResponse(status=413)
    try:
        inbox.receive(provider, request.body, request.headers)
    except NoSuchProvider:
        return HttpResponseNotFound()
    except InvalidSignature:
        return HttpResponse("signature", status=400, content_type="text/plain")
    return HttpResponse(status=200)
