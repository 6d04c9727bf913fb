#!/usr/bin/env python
"""The one entry point of every command. `--data-dir DIR` is understood by all of them, wherever it stands."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent


def take_data_dir(arguments: list[str]) -> list[str]:
    """Move `--data-dir DIR` out of the arguments into the environment, so that settings see it before any command."""
    rest: list[str] = []
    waiting = iter(arguments)
    for argument in waiting:
        if argument == "--data-dir":
            os.environ["ASSAY_DATA_DIR"] = folder(next(waiting, ""))
        elif argument.startswith("--data-dir="):
            os.environ["ASSAY_DATA_DIR"] = folder(argument.partition("=")[2])
        else:
            rest.append(argument)
    return rest


def folder(name: str) -> str:
    """The value of `--data-dir`; without one the command ends, for it would work on other data than was meant."""
    if not name or name.startswith("-"):
        print("--data-dir needs the name of a folder", file=sys.stderr)  # noqa: T201
        sys.exit(2)
    return name


def main() -> None:
    """Run a command. What the operator can mend (settings, an unreachable database) is told in a line."""
    sys.path.insert(0, str(ROOT / "platform"))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import execute_from_command_line
    from django.db import OperationalError

    from config.environment import UnusableSettings

    try:
        execute_from_command_line([sys.argv[0], *take_data_dir(sys.argv[1:])])
    except UnusableSettings as error:
        sys.exit(str(error))
    except OperationalError as error:
        if "--traceback" in sys.argv:
            raise
        sys.exit(f"the database can not be used: {error}")


if __name__ == "__main__":
    main()
