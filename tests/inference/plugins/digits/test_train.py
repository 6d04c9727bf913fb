"""Training is reproducible, is watched, and writes what a worker can load."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from inference.artefacts import sign, verify
from inference.keys import installation_key, trusted_keys
from inference.plugins.digits import plugin
from inference.plugins.digits.manifest import MANIFEST
from inference.plugins.loading import shipped_artefacts

pytestmark = pytest.mark.database_free
ROOT = Path(__file__).resolve().parents[4]
RUN = """
import sys
from pathlib import Path
from inference.plugins.base import TrainingOptions
from inference.plugins.digits import plugin
for seed in sys.argv[2:]:
    plugin.train(TrainingOptions(Path(sys.argv[1]) / seed, seed=int(seed), samples=200, epochs=2))
"""


def start(out: Path, *seeds: str) -> subprocess.Popen[str]:
    """Tiny runs in a process of their own: determinism is set for a whole process."""
    command = [sys.executable, "-c", RUN, str(out), *seeds]
    environment = {**os.environ, "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=pipe, stderr=pipe, text=True)


def digest(out: Path) -> str:
    return str(json.loads((out / "card.json").read_text())["model"]["weights_sha256"])


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two processes with one seed; the first goes on with another seed."""
    folder = tmp_path_factory.mktemp("runs")
    started = [start(folder / "one", "7", "8"), start(folder / "two", "7")]
    for process, name in zip(started, ("one", "two"), strict=True):
        out, err = process.communicate()
        assert process.returncode == 0, err
        (folder / f"{name}.out").write_text(out)
        (folder / f"{name}.err").write_text(err)
    places = {"first": "one/7", "other": "one/8", "again": "two/7", "err": "one.err", "out": "one.out"}
    return {name: folder / place for name, place in places.items()}


def test_the_same_seed_gives_the_same_weights(runs: dict[str, Path]) -> None:
    assert digest(runs["first"]) == digest(runs["again"])
    assert (runs["first"] / "card.json").read_bytes() == (runs["again"] / "card.json").read_bytes()


def test_another_seed_gives_other_weights(runs: dict[str, Path]) -> None:
    assert digest(runs["first"]) != digest(runs["other"])


def test_progress_goes_to_standard_error_alone(runs: dict[str, Path]) -> None:
    assert "epochs" in runs["err"].read_text()
    assert runs["out"].read_text() == ""


def test_tensorboard_reads_the_loss_and_the_validation_accuracy_of_each_epoch(runs: dict[str, Path]) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(runs["first"] / "logs"))
    events.Reload()
    assert {"loss", "validation_accuracy"} <= set(events.Tags()["tensors"])
    assert [event.step for event in events.Tensors("loss")] == [0, 1]


def test_a_fresh_model_is_signed_verified_and_loaded(runs: dict[str, Path], tmp_path: Path) -> None:
    sign(runs["other"], MANIFEST.slug, MANIFEST.version, installation_key(tmp_path))
    found = verify(runs["other"], MANIFEST.slug, MANIFEST.version, trusted_keys(tmp_path))
    fresh = type(plugin)()
    fresh.load(found.directory)
    assert "probabilities at most" in fresh.self_test().detail


def test_the_card_of_the_shipped_model_keeps_its_promise() -> None:
    card = json.loads((shipped_artefacts(plugin) / "card.json").read_text())
    assert card["metrics"]["test_accuracy"] >= 0.97
    assert card["metrics"]["on_paper_accuracy"] >= 0.97
    assert card["data"]["images"]["test"] == card["metrics"]["test_images"] == 1000
