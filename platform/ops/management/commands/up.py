"""`manage.py up`: the whole product on one machine."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from ops.fake_stripe import FakeStripe, fake_stripe, forget, tell
from ops.parts import parts
from ops.redis import RedisNotFound
from ops.supervisor import Supervisor

ROOT = Path(__file__).resolve().parents[4]


class Command(BaseCommand):
    """Redis, web, workers and sweeper under one roof until Ctrl-C."""

    help = "Runs redis, web, worker and sweeper together; Ctrl-C ends them all."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=whole(1, 65_535), default=8000)
        parser.add_argument("--workers", type=whole(1, 256), default=1)
        parser.add_argument(
            "--with-fake-stripe",
            action="store_true",
            help="collect by a fake of Stripe on this machine: no money moves",
        )
        parser.add_argument("--fake-stripe-port", type=whole(1, 65_535), default=12_111)

    def handle(self, *args: Any, **options: Any) -> None:
        host, port, workers = options["host"], options["port"], options["workers"]
        # kept open for the life of the process: the lock goes with it, however it ends
        lock = lock_data_dir(settings.ASSAY_DATA_DIR)
        forget()
        require_free(host, port)
        fake = self.fake_stripe(host, port, options) if options["with_fake_stripe"] else None
        try:
            found = parts(ROOT, host, port, workers)
        except RedisNotFound as error:
            raise CommandError(str(error)) from error
        prepare()
        self.check_settings()
        if fake is not None:
            found.append(fake.part)
        supervisor = Supervisor(found, {**environment(host, port), **(fake.settings if fake else {})})
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: supervisor.stopping.set())
        supervisor.start()
        shown = settings.ASSAY_PUBLIC_BASE_URL or f"http://{host}:{port}"
        supervisor.say("up", f"portal {shown}/  admin {shown}/admin/  Ctrl-C ends all")
        supervisor.run()
        forget()
        lock.close()

    def check_settings(self) -> None:
        """Raises `SystemCheckError` where the parts would not run: one refusal here, not one of each part for ever."""
        self.check(databases=["default"])

    def fake_stripe(self, host: str, port: int, options: dict[str, Any]) -> FakeStripe:
        """Raises `CommandError` where real money could be meant."""
        if settings.ASSAY_PRODUCTION or settings.STRIPE_SECRET_KEY:
            raise CommandError("--with-fake-stripe is for an installation without STRIPE_SECRET_KEY, not in production")
        require_free("127.0.0.1", options["fake_stripe_port"])
        made = fake_stripe(host, port, options["fake_stripe_port"])
        tell(made)
        return made


def whole(least: int, most: int) -> Callable[[str], int]:
    """An argument type: a whole number within bounds."""

    def parse(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
            raise ArgumentTypeError(f"{text!r} is no whole number from {least} to {most}")
        return int(text)

    return parse


def lock_data_dir(data_dir: Path) -> IO[str]:
    """Hold the data directory. Raises `CommandError` when another `up` holds it."""
    path = settings.ASSAY_UP_LOCK
    handle = path.open("a+", encoding="ascii")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        handle.seek(0)
        raise CommandError(
            f"another `up` (process {handle.read().strip() or 'unknown'}) runs on {data_dir}: "
            "end it first, or choose another --data-dir"
        ) from error
    handle.truncate(0)
    handle.write(str(os.getpid()))
    handle.flush()
    return handle


def require_free(host: str, port: int) -> None:
    """Raises `CommandError` when the port can not be listened on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except socket.gaierror as error:
            raise CommandError(f"{host} is no address of this machine: choose another with --host") from error
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", error)
            raise CommandError(f"{host}:{port} can not be used ({reason}): choose another with --port") from error


def prepare() -> None:
    """Bring the database up to date and put in what every installation has."""
    call_command("migrate", verbosity=0, interactive=False)
    call_command("setup", verbosity=0)


def environment(host: str, port: int) -> dict[str, str]:
    """The parts' environment: the same data directory, our two source roots, an address for links."""
    inherited = os.environ.get("PYTHONPATH", "")
    roots = os.pathsep.join(part for part in (str(ROOT / "platform"), str(ROOT), inherited) if part)
    return {
        "ASSAY_PUBLIC_BASE_URL": f"http://{host}:{port}",
        **os.environ,
        "ASSAY_DATA_DIR": str(settings.ASSAY_DATA_DIR),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONPATH": roots,
        "PYTHONUNBUFFERED": "1",
    }
