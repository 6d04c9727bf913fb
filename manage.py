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
            os.environ["ASSAY_DATA_DIR"] = next(waiting, "")
        elif argument.startswith("--data-dir="):
            os.environ["ASSAY_DATA_DIR"] = argument.partition("=")[2]
        else:
            rest.append(argument)
    return rest


def main() -> None:
    sys.path.insert(0, str(ROOT / "platform"))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line([sys.argv[0], *take_data_dir(sys.argv[1:])])


if __name__ == "__main__":
    main()
