"""`python -m tests.bench.engine`: a backlog of billed jobs worked off by real workers, on a fresh database, as JSON."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.bench.engine.drain import ROOT
from tests.postgres import cluster
from tests.thirdparty.installation import search_paths


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.bench.engine", description=__doc__)
    parser.add_argument("--database", default="postgres", choices=["postgres", "sqlite"])
    parser.add_argument("--slug", default="bench-unet", choices=["bench-small", "bench-unet"])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--jobs", type=int, default=2000)
    parser.add_argument("--warm", type=int, default=128, help="jobs before the first measured one")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--images", type=int, default=1, help="of each study")
    asked = parser.parse_args()
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="assay-bench-"))
        paths = search_paths(ROOT / "tests/bench/plugin", Path(folder) / "metadata")
        environment = {
            **os.environ, "ASSAY_DATA_DIR": folder, "ASSAY_LOG_LEVEL": "ERROR",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PYTHONPATH": os.pathsep.join([*paths, str(ROOT), str(ROOT / "platform")]),
        }  # fmt: skip
        sizes = {**vars(asked), "roots": []}
        if asked.database == "postgres":
            database = stack.enter_context(cluster(durable=True))
            environment["DATABASE_URL"] = database.url
            sizes["roots"] = [int((database.data / "postmaster.pid").read_text().split()[0])]
        command = [sys.executable, "-m", "tests.bench.engine.drain", json.dumps(sizes)]
        return subprocess.run(command, cwd=ROOT, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main())
