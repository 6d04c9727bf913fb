"""What other people's programs say of our objects: dicom3tools, dcmtk and a FHIR validator of npm."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BIN = Path(sys.executable).parent
NODE_MODULES = BIN.parent / "node"
VALIDATE = """
const {Fhir} = require("fhir");
const body = JSON.parse(require("fs").readFileSync(0));
console.log(JSON.stringify(new Fhir().validate(body, {errorOnUnexpected: true}).messages));
"""


def program(name: str, package: str) -> str:
    """The path of a program; the test is left out where there is none."""
    found = shutil.which(name, path=f"{BIN}:/usr/bin:/usr/local/bin")
    if found is None:
        pytest.skip(f"no {name} here: install {package}")
    return found


def dciodvfy_errors(content: bytes, folder: Path) -> list[str]:
    """What the validator of dicom3tools counts as an error."""
    path = folder / "object.dcm"
    path.write_bytes(content)
    told = subprocess.run([program("dciodvfy", "dicom3tools"), "-new", path], capture_output=True, text=True)
    return [line for line in (told.stdout + told.stderr).splitlines() if "Error" in line]


def dcmtk(name: str, content: bytes, folder: Path, *options: str) -> str:
    """The output of a program of dcmtk that reads the object; it must end well."""
    path = folder / "object.dcm"
    path.write_bytes(content)
    told = subprocess.run([program(name, "dcmtk"), *options, path], capture_output=True)
    assert told.returncode == 0, told.stderr.decode(errors="replace")
    return told.stdout.decode(errors="replace")


def fhir_errors(body: dict[str, Any]) -> list[dict[str, Any]]:
    """What npm's `fhir` counts as an error; it knows the code sets that must be kept."""
    node = program("node", "nodejs")
    if not (NODE_MODULES / "node_modules" / "fhir").is_dir():
        pytest.skip("npm's fhir is not here: make test installs it where there is npm")
    told = subprocess.run(
        [node, "-e", VALIDATE], input=json.dumps(body), capture_output=True, text=True, cwd=NODE_MODULES, check=True
    )
    return [one for one in json.loads(told.stdout) if one["severity"] in ("error", "fatal")]
