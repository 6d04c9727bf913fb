"""The newcomer's command, as it is: one JSON object on standard output, nothing of it left running."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.product import MANAGE, environment

pytestmark = pytest.mark.outside


@pytest.fixture(scope="module")
def all_told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("demo")
    done = subprocess.run(
        [*MANAGE, "demo", "--once", "--json", "--study", "all"],
        env=environment(folder),
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    assert processes_of(folder) == []
    return found


@pytest.fixture
def told(all_told: dict[str, Any]) -> dict[str, Any]:
    """The run on the real film."""
    film: dict[str, Any] = all_told["xray-chest-nodule"]
    return film


def processes_of(data_dir: Path) -> list[str]:
    """What still runs with this data directory in its environment."""
    ours = f"ASSAY_DATA_DIR={data_dir}".encode()
    return [one.name for one in Path("/proc").iterdir() if one.name.isdigit() and ours in environment_of(one)]


def environment_of(process: Path) -> list[bytes]:
    try:
        return (process / "environ").read_bytes().split(b"\0")
    except OSError:
        return []


def test_the_run_is_told_in_one_object(told: dict[str, Any]) -> None:
    assert set(told) == {"study", "job", "result", "usage", "invoice_preview", "timings"}


def test_the_real_film_has_findings_that_were_billed_at_the_quoted_price(told: dict[str, Any]) -> None:
    assert told["job"]["state"] == "succeeded"
    assert len(told["result"]["findings"]) >= 2
    assert told["usage"]["amount"] == told["job"]["quote"]["amount"]
    assert told["invoice_preview"]["total"] >= told["usage"]["amount"]
    assert told["timings"]["submit_to_result_seconds"] > 0


def test_each_analysis_finds_the_lesions_that_were_drawn(all_told: dict[str, Any]) -> None:
    drawn = {name: told for name, told in all_told.items() if name != "xray-chest-nodule"}
    assert "ct-lung-nodule" in drawn
    for name, told in drawn.items():
        sizes = [each["size"]["mean_diameter_mm"] for each in told["result"]["findings"]]
        assert min(sizes, default=0) > 3, name


def test_a_server_that_is_not_there_is_a_clear_failure(tmp_path: Path) -> None:
    address = ["--base-url", "http://127.0.0.1:9", "--api-key", "ak_nothing"]
    done = subprocess.run(
        [*MANAGE, "demo", *address, "--once", "--json"], env={**os.environ, **environment(tmp_path)},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode != 0
    assert done.stdout == ""
    assert "does not answer" in done.stderr
    assert "Traceback" not in done.stderr
