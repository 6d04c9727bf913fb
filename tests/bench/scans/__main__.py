"""One process of one study: `python -m tests.bench.scans STEP CASE` on the data directory of the environment; JSON."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    import django

    step, case = sys.argv[1:3]
    django.setup()
    from tests.bench.scans import steps

    folder = Path(os.environ["ASSAY_DATA_DIR"]) / "bench"
    parts = {"draw": steps.draw, "intake": steps.intake, "work": steps.work, "outputs": steps.outputs}
    found: dict[str, Any] = parts[step](case, folder)
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
