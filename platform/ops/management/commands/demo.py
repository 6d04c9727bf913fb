"""`manage.py demo`: the main job as a customer runs it, against a server of ours or one that it starts."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from ops import customer, demo, sample_customers
from ops.samples import CHOICES, Sample, StudyNotFound, chosen
from ops.supervisor import die_with_parent

ROOT = Path(__file__).resolve().parents[4]
READY_SECONDS = 180.0
END_SECONDS = 60.0
FIRST_PORT = 8000
PORTS_TRIED = 20


class Interrupted(Exception):
    """Ctrl-C, or the signal of whoever started the demo."""


class Command(BaseCommand):
    """With `--base-url` and `--api-key` any server will do; without, the demo starts the product first."""

    help = "Runs the main job over HTTP on a study and prints findings, usage and the invoice so far."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--base-url")
        parser.add_argument("--api-key")
        parser.add_argument("--once", action="store_true", help="end after the main job")
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
        parser.add_argument(
            "--study",
            choices=CHOICES,
            default="xray",
            help="a real chest film, drawn chest CT or head MR, or all",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if bool(options["base_url"]) != bool(options["api_key"]):
            raise CommandError("--base-url and --api-key belong together")
        try:
            samples = chosen(options["study"])
            if options["base_url"]:
                self.run_against(options["base_url"], options["api_key"], samples, as_json=options["json"])
            else:
                self.run_here(samples, once=options["once"], as_json=options["json"])
        except (customer.RunFailed, StudyNotFound) as error:
            raise CommandError(str(error)) from error
        except Interrupted:
            self.say("ended")

    def run_here(self, samples: Sequence[Sample], *, once: bool, as_json: bool) -> None:
        """Start the product on this machine, run the main job on each sample, and stay until Ctrl-C unless `once`."""
        port = free_port()
        base_url = f"http://127.0.0.1:{port}"
        with product(port) as process:
            self.await_ready(base_url, process)
            logins = demo.logins(settings.ASSAY_DATA_DIR)
            self.run_against(base_url, logins.api_key, samples, as_json=as_json)
            if not once:
                self.say("adding sample customers with some months of bills behind them")
                sample_customers.tell(logins.customer_email, timezone.now())
                self.say_where(base_url, logins)
                process.wait()
                raise CommandError(f"the product ended with status {process.returncode}")

    def run_against(self, base_url: str, api_key: str, samples: Sequence[Sample], *, as_json: bool) -> None:
        """One JSON object for one study; for several, an object with one for each analysis."""
        told = {}
        for sample in samples:
            outcome = self.run_one(base_url, api_key, sample)
            told[sample.plugin] = outcome.as_json()
            if not as_json:
                self.stdout.write("\n".join(customer.describe(outcome)))
        if as_json:
            shown = told if len(samples) > 1 else told[samples[0].plugin]
            self.stdout.write(json.dumps(shown, ensure_ascii=False))

    def run_one(self, base_url: str, api_key: str, sample: Sample) -> customer.Outcome:
        with tempfile.TemporaryDirectory(prefix="assay-demo-") as folder:
            outcome = customer.run(base_url, api_key, sample.plugin, sample.files(Path(folder)), self.say)
        if not outcome.result["findings"]:
            raise CommandError(f"the analysis {sample.plugin} found nothing in the demo's study")
        return outcome

    def await_ready(self, base_url: str, process: subprocess.Popen[bytes]) -> None:
        """Raises `CommandError` when the product ends, or is not ready in three minutes."""
        self.say("starting redis, web, worker and sweeper")
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise CommandError(f"the product ended with status {process.returncode} while it started")
            if is_ready(base_url):
                return
            time.sleep(0.3)
        raise CommandError(f"the product was not ready in {READY_SECONDS:.0f} s")

    def say_where(self, base_url: str, logins: demo.Logins) -> None:
        self.stdout.write(
            f"\nportal  {base_url}/        {logins.customer_email}  {logins.customer_password}\n"
            f"admin   {base_url}/admin/  {logins.operator_email}  {logins.operator_password}\n"
            f"API key {logins.api_key}\n"
            "Ctrl-C ends everything."
        )
        self.stdout.flush()

    def say(self, text: str) -> None:
        self.stderr.write(text, style_func=str)
        self.stderr.flush()


@contextmanager
def product(port: int) -> Iterator[subprocess.Popen[bytes]]:
    """`manage.py up` as a child; it and all its parts end with the block. Its log goes to standard error."""
    command = [sys.executable, str(ROOT / "manage.py"), "up", "--port", str(port)]
    process = subprocess.Popen(command, stdout=sys.stderr, start_new_session=True, preexec_fn=die_with_parent)  # noqa: S603

    def stop(*_: Any) -> None:
        raise Interrupted

    previous = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield process
    finally:
        # a second Ctrl-C must not leave half of the product behind
        for number in previous:
            signal.signal(number, signal.SIG_IGN)
        process.terminate()
        process.wait(END_SECONDS)
        for number, handler in previous.items():
            signal.signal(number, handler)


def is_ready(base_url: str) -> bool:
    try:
        return httpx.get(f"{base_url}/readyz", timeout=5).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def free_port() -> int:
    """8000, or the next free one: a demo must not fail because something else runs. Raises `CommandError`."""
    for port in range(FIRST_PORT, FIRST_PORT + PORTS_TRIED):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise CommandError(f"no free port from {FIRST_PORT} to {FIRST_PORT + PORTS_TRIED - 1}")
