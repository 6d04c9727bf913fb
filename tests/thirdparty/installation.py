"""Installs a package from this folder without pip and without a network.

An installed package is, to `importlib.metadata`, a `*.dist-info` folder on `sys.path`. This writes that folder from the
package's own pyproject.toml, so that its entry points are found as after `pip install -e`.
"""

from __future__ import annotations

import importlib
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from inference.plugins import registry

BRIGHTNESS = Path(__file__).parent / "assay_brightness"


def write_metadata(package: Path, target: Path) -> Path:
    """Write `<name>-<version>.dist-info` into `target`; returns `target`."""
    project = tomllib.loads((package / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    folder = target / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    folder.mkdir(parents=True)
    head = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    (folder / "METADATA").write_text(head, encoding="utf-8")
    groups = project["entry-points"].items()
    lines = [f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in rows.items()) for group, rows in groups]
    (folder / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")
    return target


def search_paths(package: Path, target: Path) -> list[str]:
    """What a process needs on `sys.path`, or in PYTHONPATH, to have `package` installed; metadata goes to `target`."""
    return [str(write_metadata(package, target)), str(package)]


@contextmanager
def installed(package: Path, target: Path) -> Iterator[None]:
    """This process has `package` installed while the block runs."""
    added = search_paths(package, target)
    sys.path[:0] = added
    importlib.invalidate_caches()
    registry.forget()
    try:
        yield
    finally:
        sys.path[:] = [path for path in sys.path if path not in added]
        for name in [name for name in sys.modules if name.partition(".")[0] == package.name]:
            del sys.modules[name]
        registry.forget()
