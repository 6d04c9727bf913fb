"""A real Redis of the test's own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis as client

from ops import redis
from tests.waiting import wait_until


@contextmanager
def serving(folder: Path) -> Iterator[tuple[str, client.Redis]]:
    """A server under `folder`: its address and a client."""
    socket = folder / "r.sock"
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(redis.arguments(redis.find_server(), folder, socket), stdout=quiet, stderr=quiet)
    connected = client.Redis(unix_socket_path=str(socket))
    try:
        wait_until(lambda: answers(connected), "redis answers")
        yield f"unix://{socket}", connected
    finally:
        process.kill()
        process.wait()


def answers(connected: client.Redis) -> bool:
    try:
        return bool(connected.ping())
    except client.ConnectionError:
        return False
