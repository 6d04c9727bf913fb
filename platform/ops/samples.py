"""The real study of the demo. Needs no Django."""

from __future__ import annotations

import importlib.util
from pathlib import Path


class StudyNotFound(Exception):
    """The package with the demo's study is not installed."""


def chest_film() -> Path:
    """The real chest radiograph of the demo, out of the package `pydicom-data`. Raises `StudyNotFound`."""
    package = importlib.util.find_spec("data_store")
    if package is None or package.origin is None:
        raise StudyNotFound("the demo's radiograph is in the package pydicom-data, which is not installed")
    path = Path(package.origin).parent / "data" / "RG1_UNCR.dcm"
    if not path.is_file():
        raise StudyNotFound(f"{path.name} is missing from the package pydicom-data")
    return path
