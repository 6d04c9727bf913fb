"""The main job as a customer does it: over HTTP, with an API key, knowing nothing but the contract."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

LONGEST_WAIT_SECONDS = 300.0
LONG_POLL_SECONDS = 20
UNFINISHED = {"queued", "running"}

Say = Callable[[str], None]
Json = dict[str, Any]


class RunFailed(Exception):
    """A step of the run did not give what the contract promises; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run brought, as the API showed it. `seconds` is from the submit of the job to its result in hand."""

    study: Json
    job: Json
    result: Json
    usage: Json
    invoice_preview: Json
    seconds: float
    upload_seconds: float

    def as_json(self) -> Json:
        return {
            "study": self.study,
            "job": self.job,
            "result": self.result,
            "usage": self.usage,
            "invoice_preview": self.invoice_preview,
            "timings": {
                "submit_to_result_seconds": round(self.seconds, 3),
                "upload_seconds": round(self.upload_seconds, 3),
            },
        }


def run(base_url: str, api_key: str, plugin: str, files: Sequence[Path], say: Say) -> Outcome:
    """Send a study, analyse it, read findings, usage and the invoice so far. Raises `RunFailed`."""
    headers = {"Authorization": f"Bearer {api_key}"}
    with httpx.Client(base_url=base_url, headers=headers, timeout=60) as client:
        try:
            return _run(client, plugin, files, say)
        except httpx.HTTPError as error:
            raise RunFailed(f"{base_url} does not answer: {error}") from error


def _run(client: httpx.Client, plugin: str, files: Sequence[Path], say: Say) -> Outcome:
    begun = time.monotonic()
    study = send_study(client, files)
    uploaded = time.monotonic()
    say(f"study {study['id']}: {study['modality'] or study['kind']} {study['body_part']}, {len(files)} file(s) stored")
    job = submit_job(client, study["id"], plugin)
    quote = job["quote"]
    say(f"job {job['id']}: {plugin}, quoted {quote['quantity']} {quote['unit']} for {money(quote)}")
    job = await_end(client, job, say)
    if job["state"] != "succeeded":
        raise RunFailed(f"the job ended as {job['state']}: {job['error']}")
    result = _json(client.get(f"/v1/jobs/{job['id']}/result"))
    seconds = time.monotonic() - uploaded
    usage = _json(client.get("/v1/usage", params={"job": job["id"]}))["data"]
    if len(usage) != 1:
        raise RunFailed(f"the job was metered {len(usage)} times")
    return Outcome(study, job, result, usage[0], _json(client.get("/v1/invoices/preview")), seconds, uploaded - begun)


def send_study(client: httpx.Client, files: Sequence[Path]) -> Json:
    """Upload the files as one study. Raises `RunFailed` when none, or not all, were taken."""
    opened = [("files", (path.name, path.read_bytes(), "application/octet-stream")) for path in files]
    study = _json(client.post("/v1/studies", files=opened, headers=_once()))
    rejected = [entry for entry in study["files"] if entry["status"] == "rejected"]
    if rejected:
        raise RunFailed(f"files were rejected: {rejected}")
    return study


def submit_job(client: httpx.Client, study: str, plugin: str) -> Json:
    """Ask for one analysis of one study."""
    return _json(client.post("/v1/jobs", json={"study": study, "plugin": plugin}, headers=_once()))


def await_end(client: httpx.Client, job: Json, say: Say) -> Json:
    """Poll until the job has ended, by long polls. Raises `RunFailed` after five minutes."""
    deadline = time.monotonic() + LONGEST_WAIT_SECONDS
    while job["state"] in UNFINISHED:
        if time.monotonic() > deadline:
            raise RunFailed(f"the job {job['id']} is still {job['state']} after {LONGEST_WAIT_SECONDS:.0f} s")
        say(f"job {job['id']}: {job['state']} ({job['progress']['stage']})")
        job = _json(client.get(f"/v1/jobs/{job['id']}", params={"wait": LONG_POLL_SECONDS}))
    say(f"job {job['id']}: {job['state']}")
    return job


def money(amount: Json) -> str:
    """An amount of the API for a person: minor units of a currency with two decimals."""
    return f"{amount['amount'] / 100:.2f} {amount['currency'].upper()}"


def describe(outcome: Outcome) -> list[str]:
    """The result in lines for a terminal."""
    lines = [f"{outcome.result['status']}: {len(outcome.result['findings'])} finding(s)"]
    lines += [_finding_line(number, finding) for number, finding in enumerate(outcome.result["findings"], 1)]
    preview = outcome.invoice_preview
    return [
        *lines,
        f"report: {outcome.result['report']['html']}",
        f"usage: {outcome.usage['quantity']} {outcome.usage['meter']} for {money(outcome.usage)}",
        f"invoice so far: {money({'amount': preview['total'], 'currency': preview['currency']})}",
        f"{outcome.seconds:.1f} s from submit to result",
        outcome.result["disclaimer"],
    ]


def _finding_line(number: int, finding: Json) -> str:
    location, size = finding["location"], finding["size"]
    site = location["site"]["display"] if location["site"] else "site unknown"
    x, y = location["centroid_px"][:2]
    axes = (
        f"{size['long_axis_mm']:.0f} x {size['short_axis_mm']:.0f} mm"
        if size["long_axis_mm"]
        else f"{size['long_axis_px']:.0f} x {size['short_axis_px']:.0f} px"
    )
    place = f"{site}, centre ({x:.0f}, {y:.0f})"
    return f"  {number}. {finding['type']['display']}, {place}, {axes}, score {finding['score']:.2f}"


def _once() -> dict[str, str]:
    return {"Idempotency-Key": uuid4().hex}


def _json(response: httpx.Response) -> Json:
    if response.is_success:
        body: Json = response.json()
        return body
    raise RunFailed(
        f"{response.request.method} {response.request.url} answered {response.status_code}: {response.text[:500]}"
    )
