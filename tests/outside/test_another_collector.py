"""Metered use arrives at a server that speaks only as much of Stripe's language as it must: no search, no events."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs

import httpx
import pytest

from ops.samples import chest_film
from tests.product import Product, running
from tests.waiting import wait_until

pytestmark = pytest.mark.outside
SECRETS = ("whsec_new", "whsec_old")
METER_EVENTS = "/v1/billing/meter_events"


class Plain(BaseHTTPRequestHandler):
    """Makes what is posted to it and forgets it; what is asked for is an empty list, or not there."""

    asked: ClassVar[list[tuple[str, str, dict[str, str], str]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        self.asked.append(("POST", self.path, form, self.headers.get("Idempotency-Key", "")))
        about = self.path.removeprefix("/v1/").replace("/", "_")
        self._answer(200, {"id": form.get("id", f"{about[:20]}_{len(self.asked)}"), "object": about, **form})

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        self.asked.append(("GET", path, {}, ""))
        if path in ("/v1/prices", "/v1/billing/meters"):
            self._answer(200, {"object": "list", "data": [], "has_more": False, "url": path})
        else:
            missing = {"type": "invalid_request_error", "message": f"Unrecognized request URL (GET: {path})"}
            self._answer(404, {"error": missing})

    def _answer(self, status: int, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Nothing on the terminal."""


@contextmanager
def plain_server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Plain) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture(scope="module")
def collector() -> Iterator[dict[str, str]]:
    with plain_server() as url:
        yield {
            "STRIPE_SECRET_KEY": "sk_test_plain", "STRIPE_API_BASE": url, "STRIPE_WEBHOOK_SECRETS": ",".join(SECRETS),
        }  # fmt: skip


@pytest.fixture(scope="module")
def collected(collector: dict[str, str]) -> Iterator[Product]:
    with running(**collector) as started:
        yield started


def done_jobs(product: Product, api_key: str, count: int) -> set[str]:
    """The ids of the jobs, all of them finished."""
    with product.client(api_key) as client:
        film = {"files": ("film.dcm", chest_film().read_bytes(), "application/dicom")}
        study = client.post("/v1/studies", files=film).json()["id"]
        wanted = {"study": study, "plugin": "xray-chest-nodule"}
        ids = {client.post("/v1/jobs", json=wanted).json()["id"] for _ in range(count)}
        wait_until(
            lambda: all(client.get(f"/v1/jobs/{one}").json()["state"] == "succeeded" for one in ids), "the jobs end"
        )
    return ids


def reports() -> list[tuple[dict[str, str], str]]:
    return [(form, key) for _, path, form, key in list(Plain.asked) if path == METER_EVENTS]


def test_each_job_is_one_meter_event_within_seconds(collected: Product, collector: dict[str, str]) -> None:
    made = collected.manage("tenant", "create", "c", "--owner", "o@c.example", "--plan", "per-service", "--json",
                            **collector)  # fmt: skip
    done_jobs(collected, json.loads(made)["api_key"], 2)
    wait_until(lambda: len(reports()) >= 2, "the reports arrive", patience=30)
    for form, key in reports():
        assert form["identifier"].startswith("ue_")
        assert len(form["identifier"]) == len("ue_") + 32
        assert form["payload[stripe_customer_id]"].startswith("customers_")
        assert form["payload[value]"] == "1"
        assert key
    assert len({form["identifier"] for form, _ in reports()}) == 2
    assert all(key for method, _, _, key in Plain.asked if method == "POST")


def posted(product: Product, secret: str, *, at: float = 0, tamper: bool = False) -> int:
    """The status of the answer to a webhook that is signed so many seconds from now."""
    event = {
        "id": f"evt_{secret}", "object": "event", "type": "customer.updated", "livemode": False,
        "created": int(time.time()), "data": {"object": {"id": "cus_1", "object": "customer"}},
    }  # fmt: skip
    body, moment = json.dumps(event).encode(), int(time.time() + at)
    signed = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    headers = {"Stripe-Signature": f"t={moment},v1={signed}"} if secret else {}
    sent = body.replace(b"cus_1", b"cus_2") if tamper else body
    return httpx.post(f"{product.base_url}/webhooks/stripe/", content=sent, headers=headers).status_code


def test_webhooks_are_believed_by_any_active_secret_and_by_nothing_else(collected: Product) -> None:
    assert [posted(collected, secret) for secret in (*SECRETS, SECRETS[0])] == [200, 200, 200]
    new = SECRETS[0]
    refused = [
        posted(collected, ""), posted(collected, "whsec_strange"), posted(collected, new, at=-600),
        posted(collected, new, at=600), posted(collected, new, tamper=True),
    ]  # fmt: skip
    assert refused == [400] * 5
    kept = "from billing.models import ProviderEvent as E; print(E.objects.filter(type='customer.updated').count())"
    assert collected.manage("shell", "-v", "0", "-c", kept).split()[-1] == "2"
