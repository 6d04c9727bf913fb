"""`python -m tests.bench imaging`: where the time of a study goes, from upload to every output, as JSON. Never a test.

Each study has an installation of its own. Intake, worker and outputs run in processes of their own, as in the product,
so that the peak of memory is that of the worker alone. Absolute seconds are this machine's; shares tell more.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from tests.bench.billing import ROOT, fresh

CASES = ("xray-small", "xray-large", "ct-60", "ct-300", "mri-60", "mri-180")
PROCESSES = ("draw", "intake", "work", "outputs")
STAGES = ("intake", "decode", "preprocess", "model", "postprocess", "results")
MOST_MB = 2_048
"""What the worker may need at its peak, whatever it reads."""


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="tests.bench imaging", description=__doc__)
    parser.add_argument("--cases", nargs="+", default=CASES, choices=CASES)
    found = {case: told(case) for case in parser.parse_args(arguments).cases}
    json.dump(found, sys.stdout, indent=1)
    sys.stdout.write("\n")
    return int(any("error" in one or one["worker_peak_mb"]["pss"] > MOST_MB for one in found.values()))


def told(case: str) -> dict[str, Any]:
    """One study; one that fails keeps none of the others back."""
    try:
        with fresh("sqlite") as environment:
            parts = {step: run(step, case, environment) for step in PROCESSES}
    except subprocess.CalledProcessError as failure:
        return {"error": f"ended with {failure.returncode}, see above"}
    found = report(parts)
    sys.stderr.write(f"{case}: {json.dumps(found)}\n")
    return found


def run(step: str, case: str, environment: Mapping[str, str]) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.bench.scans", step, case]
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def report(parts: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Wall and processor seconds of every stage with its share; what happens once per process stands beside."""
    spans = {name: span for part in parts.values() for name, span in part.get("spans", {}).items()}
    results = [name for name in spans if name.startswith("results.")]
    stages = {name: spans[name] for name in STAGES if name in spans}
    stages["results"] = {key: round(sum(spans[name][key] for name in results), 3) for key in ("seconds", "cpu")}
    whole = sum(stage["cpu"] for stage in stages.values()) or 1.0
    return {
        "study": parts["draw"],
        "stages": {
            name: {**stages[name], "share_of_cpu": round(stages[name]["cpu"] / whole, 3)} for name in STAGES
        },
        "seconds": round(sum(stage["seconds"] for stage in stages.values()), 2),
        "cpu": round(whole, 2),
        "results": {name.removeprefix("results."): spans[name] for name in results},
        "model_load": spans["load"],
        "findings": parts["work"]["findings"],
        "worker_peak_mb": parts["work"]["peak_mb"],
    }  # fmt: skip
