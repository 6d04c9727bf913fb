"""The fake by itself, as a process: for a person who clicks through the product offline."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.fakes.shop import client_of
from tests.fakes.test_webhooks import receiving, types
from tests.waiting import wait_until

pytestmark = pytest.mark.database_free
ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "tests.fakes.stripe"]


@contextmanager
def running(*arguments: str) -> Iterator[str]:
    """The process; its address is the first line that it prints."""
    process = subprocess.Popen([*COMMAND, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        assert process.wait(10) == 0
        process.stdout.close()


def test_it_serves_and_posts_webhooks_by_itself() -> None:
    with receiving([500]) as (url, got), running("--webhook", url, "--secret", "whsec_demo") as address:
        client = client_of(SimpleNamespace(url=address))  # type: ignore[arg-type]
        client.v1.customers.create({"email": "ada@example.com"})
        wait_until(lambda: len(got) == 2, "the webhook is posted again after an error")
        assert types(got) == ["customer.created"] * 2
        assert client.construct_event(*got[1], "whsec_demo").type == "customer.created"


def test_an_address_needs_a_secret() -> None:
    refused: Any = subprocess.run([*COMMAND, "--webhook", "http://127.0.0.1:9"], cwd=ROOT, capture_output=True)
    assert refused.returncode == 2
