"""HTTP on loopback: a thread for each connection, the API under `/v1` and `/v2`, pages for people beside it."""

from __future__ import annotations

import json
import socket
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from tests.fakes.stripe import pages
from tests.fakes.stripe.api import Api, Raw
from tests.fakes.stripe.faults import Dropped
from tests.fakes.stripe.idempotency import Answer


class Listener(ThreadingHTTPServer):
    """The socket; `api` answers what comes in."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, api: Api) -> None:
        self.api = api
        super().__init__(("127.0.0.1", port), Handler)


class Handler(BaseHTTPRequestHandler):
    """Reads a request, writes the answer in one piece."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: Listener

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: `StripeServer.requests` is the log."""

    def _serve(self) -> None:
        where = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        raw = Raw(self.command, where.path, where.query, body, self.headers)
        try:
            is_api = where.path.startswith(("/v1/", "/v2/"))
            self._write(self.server.api.answer(raw) if is_api else pages.answer(self.server.api.state, raw))
        except Dropped:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

    def _write(self, answer: Answer) -> None:
        is_text = isinstance(answer.body, str)
        body = answer.body.encode() if is_text else json.dumps(answer.body, default=_plain).encode()
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "text/html; charset=utf-8" if is_text else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _plain(value: Any) -> Any:
    """Decimals come only from parameters that are JSON numbers in answers, for example a percentage."""
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(type(value))
