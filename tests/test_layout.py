"""`platform/` is a source root. A file `platform/__init__.py` would take the place of Python's own module."""

from __future__ import annotations

import importlib.util
import platform
from pathlib import Path

import pytest

pytestmark = pytest.mark.database_free
ROOT = Path(__file__).resolve().parents[1]
OURS = ("config", "ops", "api", "portal", "inference", "billing", "tenants")


def shadows(root: Path) -> bool:
    """Whether `platform` under this root is a package."""
    return (root / "platform" / "__init__.py").exists()


def test_the_platform_folder_is_not_a_package() -> None:
    assert not shadows(ROOT)
    assert platform.system()


def test_the_guard_sees_the_file_when_it_is_there(tmp_path: Path) -> None:
    (tmp_path / "platform").mkdir()
    (tmp_path / "platform" / "__init__.py").touch()
    assert shadows(tmp_path)


@pytest.mark.parametrize("name", OURS)
def test_our_packages_are_found_in_this_tree(name: str) -> None:
    found = importlib.util.find_spec(name)
    assert found is not None
    assert found.origin is not None
    assert ROOT in Path(found.origin).parents


BOUND = {
    "outside": "tests/outside/",
    "browser": "tests/browser/",
    "chaos": "tests/chaos/",
    "stripe_live": "tests/live/",
    "machine": "_machine.py",
}


def astray(root: Path) -> list[tuple[str, str]]:
    """Files with a mark outside the place where `tests/run.py` looks for it: their tests would never run."""
    files = {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in root.glob("tests/**/*.py")}
    return [
        (name, mark)
        for name, text in files.items()
        for mark, place in BOUND.items()
        if f"pytest.mark.{mark}" in text and place not in name and name != "tests/test_layout.py"
    ]


def test_every_step_of_the_suite_finds_the_tests_with_its_mark() -> None:
    assert astray(ROOT) == []


def test_a_mark_in_the_wrong_folder_is_seen(tmp_path: Path) -> None:
    misplaced = tmp_path / "tests" / "api" / "test_new.py"
    misplaced.parent.mkdir(parents=True)
    misplaced.write_text("pytestmark = pytest.mark.browser\n")
    assert astray(tmp_path) == [("tests/api/test_new.py", "browser")]
