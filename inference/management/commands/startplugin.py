"""`manage.py startplugin NAME`: write a plugin package that works as it stands."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from inference.domain.errors import UserError
from inference.keys import installation_key
from inference.plugins.scaffold import write_plugin


class Command(BaseCommand):
    """The package is signed with the key of this installation."""

    help = "Write a complete plugin package with model, tests and README into a new folder."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="slug of the new plugin: lower-case words joined by hyphens")
        parser.add_argument("--dir", type=Path, default=Path(), help="where to make the folder (default: here)")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            root = write_plugin(options["name"], options["dir"].resolve(), installation_key(settings.ASSAY_DATA_DIR))
        except UserError as error:
            raise CommandError(error.detail) from error
        except OSError as error:
            raise CommandError(f"the package can not be written: {error}") from error
        self.stdout.write(f"wrote {root}")
        self.stdout.write(f"install it with: {sys.executable} -m pip install --no-deps -e {root}")
        self.stdout.write(f"try it with: cd {root} && {sys.executable} -m pytest")
        self.stdout.write("pytest is in the development environment: requirements/install dev")
