"""`python -m tests.bench billing`: the speed of billing on both databases, as JSON. Never a test.

Each part runs in a process and a database of its own. What is compared is measured in turns within one run.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.postgres import cluster

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("events", "submit", "page", "reconcile", "close", "growth-one", "growth-many")
DATABASES = ("postgres", "sqlite")


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="tests.bench billing", description=__doc__)
    parser.add_argument("--databases", nargs="+", default=DATABASES, choices=DATABASES)
    parser.add_argument("--parts", nargs="+", default=PARTS, choices=PARTS)
    parser.add_argument("--rounds", type=int, default=7, help="measurements of each figure; their median is told")
    parser.add_argument("--events", type=int, default=100_000, help="of the reconciliation")
    parser.add_argument("--subscriptions", type=int, default=10_000, help="that are closed")
    parser.add_argument("--levels", type=int, nargs="+", default=[1_000, 10_000, 100_000], help="rows of the growth")
    asked = parser.parse_args(arguments)
    found = {name: {part: told(name, part, asked) for part in asked.parts} for name in asked.databases}
    json.dump(found, sys.stdout, indent=1)
    sys.stdout.write("\n")
    return int(any("error" in part for parts in found.values() for part in parts.values()))


def told(name: str, part: str, asked: argparse.Namespace) -> dict[str, Any]:
    """One part, with the seconds that it took in all; one that fails keeps none of the others back."""
    begun = time.monotonic()
    try:
        found = run(name, part, asked)
    except subprocess.CalledProcessError as failure:
        found = {"error": f"ended with {failure.returncode}, see above"}
    found["took_seconds"] = round(time.monotonic() - begun, 1)
    sys.stderr.write(f"{name} {part}: {json.dumps(found)}\n")
    return found


def run(name: str, part: str, asked: argparse.Namespace) -> dict[str, Any]:
    """One part on one fresh database."""
    sizes = {key: getattr(asked, key) for key in ("rounds", "events", "subscriptions", "levels")}
    with fresh(name) as environment:
        command = [sys.executable, "-m", "tests.bench.money", part, json.dumps(sizes)]
        done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


@contextmanager
def fresh(name: str) -> Iterator[dict[str, str]]:
    """The environment of a process that has an empty database."""
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as folder:
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith(("ASSAY_", "DATABASE_URL"))},
            "ASSAY_DATA_DIR": folder, "ASSAY_LOG_LEVEL": "ERROR", "DJANGO_SETTINGS_MODULE": "config.settings",
            "PYTHONPATH": f"{ROOT / 'platform'}:{ROOT}",
        }  # fmt: skip
        if name == "sqlite":
            yield environment
            return
        with cluster() as database:
            yield {**environment, "DATABASE_URL": database.url}
