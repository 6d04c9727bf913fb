"""The suite's part of the chaos runs. A longer one: `make chaos SEED= JOBS= MINUTES=`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.chaos
ROOT = Path(__file__).resolve().parents[2]


def chaos(*arguments: str, **environment: str) -> tuple[int, dict[str, Any]]:
    command = [sys.executable, "-m", "tests.chaos", *arguments]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("ASSAY_", "DATABASE"))}
    roots = f"{ROOT / 'platform'}{os.pathsep}{ROOT}"
    done = subprocess.run(
        command, cwd=ROOT, env={**inherited, "PYTHONPATH": roots, **environment}, capture_output=True, text=True
    )
    print(done.stdout, done.stderr[-6000:])
    return done.returncode, json.loads(done.stdout.strip().splitlines()[-1])


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_every_accepted_job_ends_once_and_is_billed_once_or_not_at_all(database: str) -> None:
    status, told = chaos("--database", database, "--jobs", "100", "--minutes", "0.6")
    assert (status, told["violations"]) == (0, [])
    assert told["accepted"] >= 90
    assert sum(told["faults"].values()) >= 8


def test_control_without_the_fence_the_run_goes_red() -> None:
    """The control ends with its first violation, after a quarter of a minute or some: chance decides when."""
    arguments = ["--no-fence", "--only", "freeze worker", "--jobs", "300", "--minutes", "4"]
    status, told = chaos(*arguments, "--database", "postgres", CHAOS_SECONDS="5")
    assert status == 1
    assert told["violations"]
