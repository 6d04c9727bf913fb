"""`make test`: every check in turn, each on its own; prints what it took and ends red if one was red.

lint, types, imports, migrations, then the tests on SQLite, the state machines, PostgreSQL, from outside, in a browser,
and under faults.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from postgres import PostgresNotFound, cluster

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
NODE = BIN.parent / "node"
PACKAGES = [
    "platform/config",
    "platform/ops",
    "platform/api",
    "platform/portal",
    "tenants",
    "billing",
    "inference",
]
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
OUTSIDE = "browser or outside or chaos or stripe_live"
IN_PARALLEL = ["-n", "2", "--dist", "loadfile"]
MACHINES = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("tests/**/test_*_machine.py"))
# reading all tests costs every process more than ten seconds: a step reads the folder its mark is bound to
FOLDERS = {"outside": ["tests/outside"], "browser": ["tests/browser"], "chaos": ["tests/chaos"], "machine": MACHINES}

Step = Callable[[], bool]


def run(*command: str, **environment: str) -> bool:
    print("+", " ".join(command).replace(str(ROOT) + "/", ""), flush=True)
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ASSAY_", "DATABASE_URL", "REDIS_URL"))
    }
    return subprocess.run(command, cwd=ROOT, env={**clean, **environment}).returncode == 0


def lint() -> bool:
    checks = [run(str(BIN / "ruff"), "check", "."), run(str(BIN / "ruff"), "format", "--check", ".")]
    return all(checks)


def types() -> bool:
    return run(str(BIN / "mypy"), "manage.py", *PACKAGES)


def imports() -> bool:
    return run(str(BIN / "lint-imports"))


def migrations() -> bool:
    return run(sys.executable, "manage.py", "makemigrations", "--check", "--dry-run")


def sqlite() -> bool:
    get_validators()
    return run(*PYTEST, *IN_PARALLEL, "-m", f"not ({OUTSIDE} or machine)")


def machine() -> bool:
    return run(*PYTEST, *IN_PARALLEL, "-m", "machine", *FOLDERS["machine"])


def postgres() -> bool:
    with cluster() as database:
        marks = f"not ({OUTSIDE} or database_free or machine)"
        return run(*PYTEST, *IN_PARALLEL, "-m", marks, DATABASE_URL=database.url)


def outside() -> bool:
    return run(*PYTEST, "-m", "outside", *FOLDERS["outside"])


def browser() -> bool:
    get_chromium()
    return run(*PYTEST, "-m", "browser", *FOLDERS["browser"])


def chaos() -> bool:
    # the runs mostly wait: three at once take little longer than one
    return run(*PYTEST, "-n", "3", "--dist", "load", "-m", "chaos", *FOLDERS["chaos"])


STEPS: dict[str, Step] = {
    step.__name__: step
    for step in (lint, types, imports, migrations, sqlite, machine, postgres, outside, browser, chaos)
}


def get_chromium() -> None:
    """Debian's browser: as root it is installed, otherwise the test says what is missing."""
    if any(shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")):
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "update", "-qq"], stdout=subprocess.DEVNULL)
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium", "fonts-wqy-zenhei"]
        subprocess.run(install, stdout=subprocess.DEVNULL)


def get_validators() -> None:
    """What others say of our DICOM and FHIR: dcmtk as root, npm's `fhir` where there is npm; else those tests skip."""
    if not shutil.which("dsr2html") and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "update", "-qq"], stdout=subprocess.DEVNULL)
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "dcmtk"]
        subprocess.run(install, stdout=subprocess.DEVNULL)
    if shutil.which("npm") and not (NODE / "node_modules" / "fhir").is_dir():
        NODE.mkdir(exist_ok=True)
        install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "fhir@4.12.0"]
        subprocess.run(install, cwd=NODE, stdout=subprocess.DEVNULL)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help=f"comma-separated, of {', '.join(STEPS)}")
    wanted = parser.parse_args().only
    names = wanted.split(",") if wanted else list(STEPS)
    outcome: dict[str, tuple[bool, float]] = {}
    for name in names:
        begun = time.monotonic()
        try:
            passed = STEPS[name]()
        except PostgresNotFound as error:
            print(error, file=sys.stderr)
            passed = False
        outcome[name] = (passed, time.monotonic() - begun)
    for name, (passed, seconds) in outcome.items():
        print(f"{name:<11} {'passed' if passed else 'FAILED'} in {seconds:.0f} s")
    return 0 if all(passed for passed, _ in outcome.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
