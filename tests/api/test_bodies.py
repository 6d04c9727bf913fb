"""Bodies as clients of all kinds write them: names in other encodings, broken forms, no length beforehand."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as conf
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from django.test import Client, RequestFactory

from api import lengthless
from api.errors import BodyTooLarge
from api.lengthless import LengthMiddleware
from api.multipart import NamedParts, ReadableHeads
from inference.intake.limits import Limits
from tests.conftest import Party, make_party
from tests.inference.work import echo_installed, picture, subscribe

BOUNDARY = "a-boundary"
KIND = f"multipart/form-data; boundary={BOUNDARY}"
BINARY = b"\x89PNG\r\n\r\n" + bytes(range(256)) * 12


def form(*named: tuple[bytes, bytes]) -> bytes:
    """The body of an upload, its names as given."""
    parts = [
        b'--%b\r\nContent-Disposition: form-data; name="files"; filename="%b"\r\n\r\n%b\r\n'
        % (BOUNDARY.encode(), name, content)
        for name, content in named
    ]
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


GBK = "胸片.png".encode("gbk")
ODD_NAMES = [GBK, b"..", b".", b"/", b"\xff\xfe", "胸片.png".encode()]


def parsed(parser: type[MultiPartParser], body: bytes) -> list[tuple[str, bytes]]:
    request = RequestFactory().post("/v1/studies", body, content_type=KIND)
    _, files = parser(request.META, request, request.upload_handlers, "utf-8").parse()
    return [(file.name, file.read()) for file in files.getlist("files")]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_no_file_is_lost_for_a_name(name: bytes) -> None:
    body = form((name, bytes(100_000)), (b"good.png", BINARY))
    (odd, content), good = parsed(NamedParts, body)
    assert (odd.isprintable(), content, good) == (True, bytes(100_000), ("good.png", BINARY))


@pytest.mark.parametrize("name", [GBK, b".."])
def test_without_our_parser_both_files_are_lost(name: bytes) -> None:
    with pytest.raises(MultiPartParserError):
        parsed(MultiPartParser, form((name, bytes(100_000)), (b"good.png", BINARY)))


def test_names_in_utf_8_are_kept_and_neutral_ones_given() -> None:
    body = form(("胸片.png".encode(), b"x"), (b"..", b"y"), (GBK, b"z"))
    assert [name for name, _ in parsed(NamedParts, body)] == ["胸片.png", "file", "??Ƭ.png"]


@pytest.mark.parametrize("size", [1, 2, 7, 64, 1_000, 100_000])
def test_a_body_passes_as_it_is_but_for_its_heads_in_portions_of_any_size(size: int) -> None:
    content = BINARY + b"\r\n--a-boundar\xff" + GBK + b"\r\n\r\n" + GBK
    body = form((GBK, content), (b"b", b""), (b"c", content)) + b"\xff epilogue"
    stream = ReadableHeads(io.BytesIO(body).read, f"--{BOUNDARY}".encode())
    portions = list(iter(lambda: stream.read(size), b""))
    wanted = body.replace(
        b'filename="' + GBK, b'filename="' + GBK.decode(errors="replace").replace("\ufffd", "?").encode()
    )
    assert b"".join(portions)[: len(body) - 11] == wanted[: len(body) - 11]
    assert len(b"".join(portions)) == len(body)


def test_a_head_without_end_is_not_kept_in_memory() -> None:
    stream = ReadableHeads(io.BytesIO(b"--x" + b"\xff" * 1_000_000).read, b"--x")
    for _ in range(20):
        stream.read(10_000)
        assert len(stream.kept) <= 1_024


@pytest.fixture
def clinic(db: None) -> Iterator[Party]:
    with echo_installed():
        party = make_party("clinic")
        subscribe(party.tenant)
        yield party


def post(party: Party, body: bytes, kind: str = KIND, **headers: str) -> Any:
    headers["HTTP_AUTHORIZATION"] = f"Bearer {party.token}"
    return Client().post("/v1/studies", body, content_type=kind, **headers)  # type: ignore[arg-type]


def test_an_upload_of_a_client_that_writes_gbk_is_taken(clinic: Party) -> None:
    answer = post(clinic, form((GBK, picture().getvalue()), (b"..", b"no image")))
    assert answer.status_code == 201, answer.content
    assert [file["status"] for file in answer.json()["files"]] == ["stored", "rejected"]


@pytest.mark.parametrize(("language", "words"), [("en", "multipart/form-data: it needs"), ("zh-hans", "解析")])
@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary="])
def test_a_form_without_boundary_is_not_told_to_be_json(clinic: Party, kind: str, language: str, words: str) -> None:
    answer = post(clinic, form((b"a", b"b")), kind, HTTP_ACCEPT_LANGUAGE=language)
    assert (answer.status_code, answer.json()["code"]) == (400, "unparsable")
    assert words in answer.json()["detail"]
    assert "JSON" not in answer.json()["detail"]


class Chunks(io.RawIOBase):
    """The input of a server that marks the end itself: short reads, then nothing."""

    def __init__(self, body: bytes) -> None:
        self.body = io.BytesIO(body)

    def read(self, size: int = -1, /) -> bytes:
        return self.body.read(min(size, 1_000))


def lengthless_request(body: bytes, kind: str, **environment: Any) -> HttpRequest:
    chunked = {"wsgi.input": Chunks(body), "CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"}
    return RequestFactory().post("/v1/jobs", b"x", content_type=kind, **chunked, **environment)  # type: ignore[arg-type]


def through(request: HttpRequest, read: Any) -> Any:
    """What `read` finds behind the middleware."""
    found: list[Any] = []

    def view(request: HttpRequest) -> HttpResponse:
        found.append(read(request))
        return HttpResponse()

    answer = LengthMiddleware(view)(request)
    return found[0] if found else answer


def test_a_chunked_body_is_read_to_its_end() -> None:
    body = b"[" + b"1," * 4_000 + b"1]"
    request = lengthless_request(body, "application/json", **{"wsgi.input_terminated": True})
    assert through(request, lambda request: request.body) == body
    unmended = lengthless_request(body, "application/json", **{"wsgi.input_terminated": True})
    assert unmended.body == b"", "without the middleware it is silently empty"


def test_the_files_of_a_chunked_form_are_read() -> None:
    request = lengthless_request(form((b"a", BINARY)), KIND, **{"wsgi.input_terminated": True})
    assert through(request, lambda request: request.FILES["files"].read()) == BINARY


def test_a_chunked_body_has_the_caps_of_every_other(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 5_000
    monkeypatch.setattr(lengthless, "limits", lambda: Limits(total_bytes=2_000))
    ended = {"wsgi.input_terminated": True}
    with pytest.raises(RequestDataTooBig):
        through(lengthless_request(b"x" * 5_001, "application/json", **ended), lambda request: request.body)
    assert len(through(lengthless_request(b"x" * 5_000, "a/b", **ended), lambda request: request.body)) == 5_000
    with pytest.raises(BodyTooLarge):
        through(lengthless_request(form((b"a", bytes(7_000))), KIND, **ended), lambda request: request.FILES)
    fitting = lengthless_request(form((b"a", bytes(6_500))), KIND, **ended)
    assert through(fitting, lambda request: request.FILES["files"].size) == 6_500


def test_a_server_that_does_not_mark_the_end_asks_for_a_length() -> None:
    answer = through(lengthless_request(b"{}", "application/json"), lambda request: request.body)
    assert (answer.status_code, answer["Content-Type"]) == (411, "application/problem+json")
    assert b"length_required" in answer.content


def test_a_request_without_body_and_one_with_a_length_pass_as_they_are() -> None:
    plain = RequestFactory().post("/v1/jobs", b"{}", content_type="application/json")
    assert through(plain, lambda request: request.body) == b"{}"
    assert through(RequestFactory().get("/v1/jobs"), lambda request: request.body) == b""


def test_the_middleware_is_installed() -> None:
    assert "api.lengthless.LengthMiddleware" in conf.MIDDLEWARE
