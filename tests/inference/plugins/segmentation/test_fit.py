"""Training learns, goes on after an interruption as if there had been none, and stops when it no longer gains."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from inference.plugins.base import TrainingOptions
from inference.plugins.segmentation.fit import Batch, Fitted, Recipe, fit
from inference.plugins.segmentation.golden import compare_with_golden, write_golden
from inference.plugins.segmentation.network import Design, compile_predict, load_network, weights_sha256
from inference.plugins.segmentation.resume import STATE_FILE, forget
from inference.training.seeds import fix_seeds

pytestmark = pytest.mark.database_free
DESIGN = Design("blobs", 1, ("blob",), ("any",), widths=(4, 6, 8))
RECIPE = Recipe(epochs=3, batch=8, learning_rate=1e-2)


class Interrupted(Exception):
    """What stops a run in the middle."""


@dataclass
class Blobs:
    """Bright squares on noise; stops after `left` batches."""

    count: int = 160
    left: int = 10_000

    def __len__(self) -> int:
        return self.count

    def batch(self, chosen: NDArray[np.int64], rng: np.random.Generator) -> Batch:
        self.left -= 1
        if self.left < 0:
            raise Interrupted
        images = rng.normal(0, 0.3, (len(chosen), 32, 32, 1)).astype(np.float32)
        maps = np.zeros_like(images)
        for number, index in enumerate(chosen):
            row, column = (int(index) * 7) % 20, (int(index) * 3) % 20
            maps[number, row : row + 9, column : column + 9] = 1
        return Batch(images + 2 * maps, maps, np.ones_like(maps), np.ones((len(chosen), 1), dtype=np.float32))


def run(out: Path, training: Blobs, recipe: Recipe = RECIPE, start: Path | None = None) -> Fitted:
    out.mkdir(exist_ok=True)
    fix_seeds(1)
    return fit(DESIGN, recipe, training, Blobs(16), TrainingOptions(out, seed=1, start=start))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Fitted:
    return run(tmp_path_factory.mktemp("whole"), Blobs())


def test_training_learns_what_is_bright(whole: Fitted) -> None:
    assert whole.history[-1]["blob"] < 0.7 * whole.history[0]["blob"]
    batch = Blobs().batch(np.arange(4), np.random.default_rng(9))
    for output, truth in zip(compile_predict(whole.model, DESIGN)(batch.images), batch.maps, strict=True):
        assert ((output.maps > 0.5) == (truth > 0.5)).mean() > 0.9


def test_an_interrupted_run_ends_with_the_weights_of_one_that_was_not(whole: Fitted, tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        run(tmp_path, Blobs(left=30))
    assert (tmp_path / STATE_FILE).exists()
    resumed = run(tmp_path, Blobs())
    assert weights_sha256(resumed.model) == weights_sha256(whole.model)
    forget(tmp_path)
    assert not (tmp_path / STATE_FILE).exists()


def test_another_recipe_does_not_go_on_from_that_state(tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        run(tmp_path, Blobs(left=30))
    other = run(tmp_path, Blobs(), Recipe(epochs=1, batch=8))
    assert len(other.history) == 1


def test_training_that_starts_from_a_model_is_better_at_once_than_one_from_scratch(
    whole: Fitted, tmp_path: Path
) -> None:
    whole.model.save(tmp_path / "model.keras")
    short = Recipe(epochs=1, batch=8, learning_rate=1e-5)
    fresh, refined = (run(tmp_path / name, Blobs(16), short, start) for name, start in starts(tmp_path))
    assert refined.history[0]["val_total"] < 0.7 * fresh.history[0]["val_total"]


def starts(folder: Path) -> tuple[tuple[str, Path | None], ...]:
    return ("fresh", None), ("refined", folder / "model.keras")


def test_a_state_of_another_start_is_not_gone_on_from(whole: Fitted, tmp_path: Path) -> None:
    whole.model.save(tmp_path / "model.keras")
    out = tmp_path / "out"
    with pytest.raises(Interrupted):
        run(out, Blobs(left=30))
    refined = run(out, Blobs(16), start=tmp_path / "model.keras")
    assert len(refined.history) == RECIPE.epochs


def test_training_stops_when_it_no_longer_gains_and_keeps_the_best(tmp_path: Path) -> None:
    stuck = Recipe(epochs=6, batch=8, learning_rate=1e-9, patience=1)
    found = run(tmp_path, Blobs(32), stuck)
    assert len(found.history) < 6
    assert found.best_epoch < len(found.history)


def test_the_saved_model_says_the_same_and_a_changed_one_fails_the_self_test(whole: Fitted, tmp_path: Path) -> None:
    whole.model.save(tmp_path / "model.keras")
    predict = compile_predict(whole.model, DESIGN)
    images = Blobs().batch(np.arange(3), np.random.default_rng(2)).images
    write_golden(tmp_path / "golden.npz", predict, images)
    read = compile_predict(load_network(DESIGN, tmp_path / "model.keras"), DESIGN)
    assert compare_with_golden(read, tmp_path / "golden.npz").passed
    from inference.plugins.segmentation.network import build_network

    fresh = compile_predict(build_network(DESIGN), DESIGN)
    assert not compare_with_golden(fresh, tmp_path / "golden.npz").passed
