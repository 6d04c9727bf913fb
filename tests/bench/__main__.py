"""`make bench`: raw model, throughput over HTTP, time at low load, polls, memory; JSON on standard output.

With `billing` as its first argument the speed of billing, see `billing.py`; with `imaging` where the time of a study
goes, see `imaging.py`.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image

from tests.bench import billing, imaging

ROOT = Path(__file__).resolve().parents[2]
MANAGE = [sys.executable, "manage.py"]
POLL_SECONDS = 5.0
PAUSE = threading.Event()
PLAN = "pay-per-use"


def main() -> None:
    if sys.argv[1:2] == ["billing"]:
        sys.exit(billing.main(sys.argv[2:]))
    if sys.argv[1:2] == ["imaging"]:
        sys.exit(imaging.main(sys.argv[2:]))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plugin", default="digits", choices=["digits", "xray-chest-nodule"])
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as folder:
        image = Path(folder) / "image.png"
        image.write_bytes(picture(options.plugin, 0))
        before = raw(options.plugin, image)
        with product(Path(folder), options.workers) as (base_url, process):
            measured = measure(base_url, new_key(folder), options, process)
        after = raw(options.plugin, image)
    json.dump(report(before, after, measured), sys.stdout, indent=1)
    sys.stdout.write("\n")


def measure(base_url: str, key: str, options: argparse.Namespace, process: subprocess.Popen[bytes]) -> dict[str, Any]:
    """All figures of the running product."""
    limits = httpx.Limits(max_connections=options.clients + 4)
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=base_url, headers=headers, timeout=120, limits=limits) as client:
        one_job(client, options.plugin, 0)
        idle = memory(process.pid)
        low = [one_job(client, options.plugin, number) for number in range(1, 21)]
        throughput = flood(client, options)
        return {
            "low_load_seconds": {"median": statistics.median(low), "largest": max(low)},
            "jobs_per_second": throughput,
            "polls_per_second": polls(client, options.clients, polled_job(client)),
            "plain_view_per_second": polls(client, options.clients, "/healthz"),
            "memory_mb_idle": idle,
            "memory_mb_after": memory(process.pid),
        }


def report(before: dict[str, Any], after: dict[str, Any], measured: dict[str, Any]) -> dict[str, Any]:
    """The figures with their ratios to the bare model, the mean of before and after."""
    best = (max(before["images_per_second"].values()) + max(after["images_per_second"].values())) / 2
    single = (before["single_seconds"] + after["single_seconds"]) / 2
    ratios = {
        "throughput_over_raw": measured["jobs_per_second"] / best,
        "low_load_over_one_inference": measured["low_load_seconds"]["median"] / single,
        "low_load_overhead_ms": (measured["low_load_seconds"]["median"] - single) * 1000,
        "polls_over_plain_view": measured["polls_per_second"] / measured["plain_view_per_second"],
    }
    return {"ratios": ratios, "measured": measured, "raw_before": before, "raw_after": after}


def raw(plugin: str, image: Path) -> dict[str, Any]:
    """The bare model in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.raw", plugin, str(image), "0"]
    environment = {
        **os.environ,
        "PYTHONPATH": f"{ROOT / 'platform'}:{ROOT}",
        "ASSAY_DATA_DIR": str(image.parent / "raw"),
    }
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


@contextmanager
def product(folder: Path, workers: int) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """`manage.py up` on a fresh data directory."""
    port = 8700
    environment = {**os.environ, "ASSAY_DATA_DIR": str(folder / "var"), "ASSAY_LOG_LEVEL": "WARNING"}
    command = [*MANAGE, "up", "--port", str(port), "--workers", str(workers)]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=sys.stderr, stdout=sys.stderr)
    base_url = f"http://127.0.0.1:{port}"
    try:
        await_ready(base_url, process)
        yield base_url, process
    finally:
        process.terminate()
        process.wait(60)


def await_ready(base_url: str, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            if httpx.get(f"{base_url}/readyz", timeout=5).status_code == httpx.codes.OK:
                return
        except httpx.HTTPError:
            pass
        PAUSE.wait(0.3)
    raise SystemExit("the product did not start")


def new_key(folder: str) -> str:
    environment = {**os.environ, "ASSAY_DATA_DIR": str(Path(folder) / "var")}
    command = [*MANAGE, "tenant", "create", "Bench", "--owner", "bench@bench.example", "--plan", PLAN, "--json"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    key: str = json.loads(done.stdout)["api_key"]
    return key


def send(client: httpx.Client, plugin: str, number: int) -> str:
    """Upload one picture and submit its job; the job's path."""
    study = client.post("/v1/studies", files=[("files", ("image.png", picture(plugin, number), "image/png"))])
    study.raise_for_status()
    job = client.post("/v1/jobs", json={"study": study.json()["id"], "plugin": plugin})
    job.raise_for_status()
    return f"/v1/jobs/{job.json()['id']}"


def one_job(client: httpx.Client, plugin: str, number: int) -> float:
    """Seconds from the submit of a job to its result in hand."""
    study = client.post("/v1/studies", files=[("files", ("image.png", picture(plugin, number), "image/png"))]).json()
    begun = time.monotonic()
    job = client.post("/v1/jobs", json={"study": study["id"], "plugin": plugin}, headers={"Prefer": "wait=60"}).json()
    client.get(f"/v1/jobs/{job['id']}/result").raise_for_status()
    return time.monotonic() - begun


def flood(client: httpx.Client, options: argparse.Namespace) -> float:
    """Jobs per second, upload to result, with all clients at once."""
    begun = time.monotonic()
    with ThreadPoolExecutor(options.clients) as pool:
        paths = list(pool.map(lambda number: send(client, options.plugin, 1000 + number), range(options.jobs)))
        list(pool.map(lambda path: finish(client, path), paths))
    return float(options.jobs / (time.monotonic() - begun))


def finish(client: httpx.Client, path: str) -> None:
    while client.get(path, params={"wait": 20}).json()["state"] in {"queued", "running"}:
        pass
    client.get(f"{path}/result").raise_for_status()


def polled_job(client: httpx.Client) -> str:
    found: str = client.get("/v1/jobs", params={"limit": 1}).json()["data"][0]["urls"]["self"]
    return found


def polls(client: httpx.Client, clients: int, path: str) -> float:
    """Requests per second of one GET, all clients at once."""
    end = time.monotonic() + POLL_SECONDS

    def loop(_: int) -> int:
        count = 0
        while time.monotonic() < end:
            client.get(path)
            count += 1
        return count

    with ThreadPoolExecutor(clients) as pool:
        return sum(pool.map(loop, range(clients))) / POLL_SECONDS


def memory(supervisor: int) -> dict[str, float]:
    """Proportional set size in MB of each process below the supervisor, by its command line."""
    found: dict[str, float] = {}
    for pid in descendants(supervisor):
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        found[f"{name_of(command)} {pid}"] = round(pss(pid) / 1024, 1)
    return found


def name_of(command: str) -> str:
    known = ("redis", "granian", "worker", "sweeper", "intake.child")
    return next((name for name in known if name in command), command[:30])


def descendants(pid: int) -> list[int]:
    children = [
        int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]
    return [*children, *(below for child in children for below in descendants(child))]


def pss(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def picture(plugin: str, number: int) -> bytes:
    """A picture that the plugin takes, different for each number."""
    noise = np.random.default_rng(number)
    if plugin == "digits":
        canvas = np.zeros((28, 28), np.uint8)
        canvas[4:24, 12:16] = 200 + noise.integers(0, 55, (20, 4))
    else:
        canvas = radiograph(number)
    stream = io.BytesIO()
    Image.fromarray(canvas).save(stream, "PNG")
    return stream.getvalue()


def radiograph(number: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The real film of the demo, at a quarter of its size, with a little noise that makes each one new."""
    from pydicom import dcmread

    from ops.samples import chest_film

    film = dcmread(chest_film()).pixel_array[::4, ::4].astype(np.float32)
    film = (film - film.min()) / (film.max() - film.min()) * 250
    film += np.random.default_rng(number).integers(0, 3, film.shape)
    return np.clip(250 - film, 0, 255).astype(np.uint8)


if __name__ == "__main__":
    main()
