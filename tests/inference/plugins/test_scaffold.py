"""What `manage.py startplugin` writes works as it stands."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from inference.artefacts import ArtefactRefused
from inference.plugins import digits, registry
from inference.plugins.loading import load
from tests.thirdparty.installation import installed, search_paths

pytestmark = pytest.mark.database_free
ROOT = Path(__file__).resolve().parents[3]
UNFINISHED = re.compile(r"TODO|FIXME|XXX|placeholder|lorem|\$\w+", re.IGNORECASE)


@pytest.fixture
def data(settings: Any, tmp_path: Path) -> Path:
    settings.ASSAY_DATA_DIR = tmp_path / "data"
    return tmp_path / "data"


@pytest.fixture
def package(data: Path, tmp_path: Path) -> Path:
    call_command("startplugin", "light-or-dark", "--dir", str(tmp_path), stdout=io.StringIO())
    return tmp_path / "assay_light_or_dark"


def texts(package: Path) -> dict[str, str]:
    return {
        str(path.relative_to(package)): path.read_text()
        for path in package.rglob("*")
        if path.suffix in {".py", ".toml", ".md"}
    }


def test_its_own_tests_pass_where_it_was_written(package: Path, data: Path, tmp_path: Path) -> None:
    paths = [*search_paths(package, tmp_path / "metadata"), str(ROOT), str(ROOT / "platform")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "ASSAY_DATA_DIR": str(data)}
    environment["DJANGO_SETTINGS_MODULE"] = "config.settings"
    command = [sys.executable, "-m", "pytest", "-q", str(package)]
    done = subprocess.run(command, cwd=package, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout


def test_it_is_listed_and_its_artefacts_are_trusted_once_it_is_installed(package: Path, tmp_path: Path) -> None:
    with installed(package, tmp_path / "metadata"):
        plugin = registry.get("light-or-dark")
        load(plugin)
        assert plugin.self_test().passed


def test_another_installation_does_not_trust_its_artefacts(package: Path, tmp_path: Path, settings: Any) -> None:
    settings.ASSAY_DATA_DIR = tmp_path / "elsewhere"
    with installed(package, tmp_path / "metadata"):
        plugin = registry.get("light-or-dark")
        with pytest.raises(ArtefactRefused):
            load(plugin)


def test_it_has_the_files_that_our_own_plugins_have(package: Path) -> None:
    ours = {path.name for path in Path(str(digits.__file__)).parent.iterdir() if path.suffix == ".py"}
    written = {path.name for path in (package / package.name).iterdir() if path.suffix == ".py"}
    assert written == ours - {"data.py", "augment.py"}


def test_nothing_in_it_waits_to_be_filled_in(package: Path) -> None:
    assert {name: UNFINISHED.findall(text) for name, text in texts(package).items() if UNFINISHED.search(text)} == {}
    assert UNFINISHED.search("a $name left over")


@pytest.mark.parametrize("name", ["Light", "a_b", "../up", "", "1st"])
def test_a_name_that_can_be_no_slug_is_refused(name: str, data: Path, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="lower-case"):
        call_command("startplugin", name, "--dir", str(tmp_path))


def test_an_existing_folder_is_left_alone(package: Path, tmp_path: Path) -> None:
    before = texts(package)
    with pytest.raises(CommandError, match="exists already"):
        call_command("startplugin", "light-or-dark", "--dir", str(tmp_path))
    assert texts(package) == before


def test_a_name_that_an_installed_plugin_has_is_refused(data: Path, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="installed already"):
        call_command("startplugin", "digits", "--dir", str(tmp_path))
    assert not (tmp_path / "assay_digits").exists()


def test_a_place_that_can_not_be_written_is_told(data: Path) -> None:
    with pytest.raises(CommandError, match="can not be written"):
        call_command("startplugin", "light-or-dark", "--dir", "/dev/null")
