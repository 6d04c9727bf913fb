"""The real product in processes of its own, for tests that look at it from outside."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[1]
MANAGE = [sys.executable, str(ROOT / "manage.py")]


@dataclass(frozen=True)
class Product:
    """`manage.py up` on a data directory of its own."""

    base_url: str
    data_dir: Path
    process: subprocess.Popen[bytes]

    def manage(self, *arguments: str, **settings: str) -> str:
        """Run a management command on the product's data; its standard output."""
        done = subprocess.run(
            [*MANAGE, *arguments],
            env=environment(self.data_dir, **settings),
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def customer(self, name: str, plan: str) -> dict[str, str]:
        """A new tenant with its API key."""
        owner = f"owner@{name}.example"
        found: dict[str, str] = json.loads(
            self.manage("tenant", "create", name, "--owner", owner, "--plan", plan, "--json")
        )
        return found

    def client(self, api_key: str) -> httpx.Client:
        return httpx.Client(base_url=self.base_url, headers={"Authorization": f"Bearer {api_key}"}, timeout=60)


def environment(data_dir: Path, **more: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ASSAY_")}
    return {**inherited, "ASSAY_DATA_DIR": str(data_dir), **more}


@contextmanager
def running(*arguments: str, **settings: str) -> Iterator[Product]:
    """Start everything, wait until it is ready, end everything."""
    with tempfile.TemporaryDirectory(prefix="assay-up-") as folder, socket.socket() as probe:
        data_dir = Path(folder)
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        log = (data_dir / "up.log").open("wb")
        command = [*MANAGE, "up", "--port", str(port), *arguments]
        process = subprocess.Popen(command, env=environment(data_dir, **settings), stdout=log, stderr=log)
        product = Product(f"http://127.0.0.1:{port}", data_dir, process)
        try:
            wait_until(lambda: is_ready(product), "the product is ready", patience=120)
            yield product
        finally:
            process.terminate()
            process.wait(60)
            log.close()


def is_ready(product: Product) -> bool:
    assert product.process.poll() is None, (product.data_dir / "up.log").read_text(errors="replace")
    try:
        return httpx.get(f"{product.base_url}/readyz", timeout=5).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False
