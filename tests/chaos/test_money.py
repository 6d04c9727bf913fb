"""The suite's part of the chaos of money. A longer one: `python -m tests.chaos.money --events N`."""

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


def chaos(*arguments: str) -> tuple[int, dict[str, Any]]:
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("ASSAY_", "DATABASE", "STRIPE"))
    }
    roots = f"{ROOT / 'platform'}{os.pathsep}{ROOT}"
    command = [sys.executable, "-m", "tests.chaos.money", *arguments]
    done = subprocess.run(command, cwd=ROOT, env={**inherited, "PYTHONPATH": roots}, capture_output=True, text=True)
    print(done.stdout, done.stderr[-6000:])
    return done.returncode, json.loads(done.stdout.strip().splitlines()[-1])


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_every_unit_of_use_is_booked_delivered_and_invoiced_exactly_once(database: str) -> None:
    status, told = chaos("--database", database, "--events", "300", "--pause", "2.5")
    assert (status, told["violations"]) == (0, [])
    assert told["expected_events"] == told["events"] == told["delivered_events"] == told["events_on_invoices"]
    assert sum(told["faults"].values()) >= 1


def test_control_a_relay_that_forgets_its_identifiers_is_found_out() -> None:
    status, told = chaos("--database", "sqlite", "--events", "200", "--pause", "2", "--careless")
    assert status == 1
    assert told["delivered_events"] > told["events"]
