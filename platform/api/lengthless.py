"""Bodies that do not tell their length beforehand: chunked ones, and those of HTTP/2 without `Content-Length`.

WSGI knows a body by its length alone, so Django reads such a body as empty. Where the server marks the end of its
input itself (`wsgi.input_terminated`, as granian does), the body is read to its end within the caps that hold for every
other; elsewhere the request is answered with 411.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, Protocol

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_noop

from api.errors import BodyTooLarge, problem_page
from inference.intake.configured import limits

BODYLESS = {"GET", "HEAD", "OPTIONS", "TRACE"}
LENGTH_REQUIRED = gettext_noop("Send the body with a Content-Length.")


class Readable(Protocol):
    """What a WSGI server gives as input."""

    def read(self, size: int, /) -> bytes: ...


class LengthMiddleware:
    """Gives a body without a length one, or refuses it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not lacks_length(request):
            return self.get_response(request)
        if request.META.get("wsgi.input_terminated"):
            take_to_the_end(request)
        elif is_chunked(request):
            return problem_page(request, "length_required", LENGTH_REQUIRED)
        return self.get_response(request)


def is_chunked(request: HttpRequest) -> bool:
    return "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower()


def lacks_length(request: HttpRequest) -> bool:
    """Whether a body may come whose length is not known; a chunked one ends by its chunks, whatever else is said."""
    if request.method in BODYLESS:
        return False
    return is_chunked(request) or not request.META.get("CONTENT_LENGTH")


def take_to_the_end(request: HttpRequest) -> None:
    """Put the body where Django looks for it: files are read when they are asked for, all else now, for it is small."""
    source = request.META["wsgi.input"]
    if str(request.content_type).startswith("multipart/"):
        most = limits().total_bytes + settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        put(request, Bounded(source, most), most)
    else:
        # one byte more than is allowed, so that Django sees it and refuses
        body = read_all(source, settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
        put(request, io.BytesIO(body), len(body))


def put(request: HttpRequest, stream: Any, length: int) -> None:
    request.META["CONTENT_LENGTH"] = str(length)
    request._stream = stream


def read_all(source: Readable, most: int) -> bytes:
    """The body, at most so much of it."""
    found = bytearray()
    while len(found) < most and (more := source.read(most - len(found))):
        found += more
    return bytes(found)


class Bounded(io.BufferedIOBase):
    """A stream that refuses to go on beyond a cap."""

    def __init__(self, source: Readable, most: int) -> None:
        self.source = source
        self.left = most

    def read(self, size: int | None = -1, /) -> bytes:
        """Raises `BodyTooLarge`."""
        wanted = self.left + 1 if size is None or size < 0 else min(size, self.left + 1)
        found = self.source.read(wanted)
        self.left -= len(found)
        if self.left < 0:
            raise BodyTooLarge
        return found
