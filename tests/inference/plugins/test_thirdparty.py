"""A package from outside, made by the page on writing a plugin, is installed, found and run."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from inference.plugins import registry
from inference.plugins.contract import image_sample, run
from inference.plugins.loading import load
from tests.thirdparty.installation import BRIGHTNESS, installed, search_paths

pytestmark = pytest.mark.database_free
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def brightness(tmp_path: Path) -> Iterator[None]:
    with installed(BRIGHTNESS, tmp_path):
        yield


def test_it_is_not_there_before_it_is_installed() -> None:
    assert "brightness" not in registry.installed()


@pytest.mark.usefixtures("brightness")
def test_it_stands_beside_our_own_once_it_is_installed() -> None:
    assert {"brightness", "digits"} <= set(registry.installed())


@pytest.mark.usefixtures("brightness")
def test_it_measures_an_image() -> None:
    plugin = registry.get("brightness")
    load(plugin)
    report = run(plugin, [image_sample("grey", np.full((9, 9), 51.0, np.float32))])[0]
    assert report.measures["mean_brightness"] == pytest.approx(0.2)


def test_its_own_tests_pass_as_its_makers_run_them(tmp_path: Path) -> None:
    paths = [*search_paths(BRIGHTNESS, tmp_path / "metadata"), str(ROOT), str(ROOT / "platform")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "ASSAY_DATA_DIR": str(tmp_path / "data")}
    environment["DJANGO_SETTINGS_MODULE"] = "config.settings"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(BRIGHTNESS)]
    done = subprocess.run(command, cwd=BRIGHTNESS, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
