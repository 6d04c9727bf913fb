"""What an interrupted training needs to go on: weights, optimizer, losses so far, and the best weights."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

STATE_FILE = "resume.npz"
Weights = list[NDArray[Any]]


@dataclass(frozen=True, slots=True)
class RunState:
    """Where a run keeps its state, and what makes it the same run."""

    folder: Path
    recipe: str

    @property
    def path(self) -> Path:
        return self.folder / STATE_FILE

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.recipe.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Progress:
    """The losses of the finished epochs, the best epoch (from 0), and the weights that it left."""

    history: tuple[dict[str, float], ...] = ()
    best_epoch: int = 0
    best_weights: tuple[NDArray[Any], ...] = ()

    @property
    def idle(self) -> int:
        """Epochs since the best one."""
        return len(self.history) - 1 - self.best_epoch

    def after(self, losses: dict[str, float], weights: Weights) -> Progress:
        """One epoch on."""
        history = (*self.history, losses)
        best = self.history[self.best_epoch]["val_total"] if self.history else np.inf
        if losses["val_total"] < best:
            return Progress(history, len(history) - 1, tuple(weights))
        return Progress(history, self.best_epoch, self.best_weights)


def remember(state: RunState, done: Progress, optimizer: Any, model: Any) -> None:
    """Write the state; a reader never sees half of it."""
    arrays = {f"model{n}": array for n, array in enumerate(model.get_weights())}
    arrays |= {f"best{n}": array for n, array in enumerate(done.best_weights)}
    arrays |= {f"optimizer{n}": np.asarray(one) for n, one in enumerate(optimizer.variables)}
    fresh = state.path.with_name("fresh-" + STATE_FILE)
    np.savez(fresh, digest=state.digest, history=json.dumps(done.history), best_epoch=done.best_epoch, **arrays)
    fresh.replace(state.path)


def recall(state: RunState, model: Any, optimizer: Any) -> Progress:
    """Set model and optimizer to the stored state; a fresh start where there is none of this recipe."""
    if not state.path.exists():
        return Progress()
    with np.load(state.path, allow_pickle=False) as stored:
        if str(stored["digest"]) != state.digest:
            return Progress()
        weights = len(model.get_weights())
        model.set_weights([stored[f"model{n}"] for n in range(weights)])
        for number, variable in enumerate(optimizer.variables):
            variable.assign(stored[f"optimizer{number}"])
        best = tuple(stored[f"best{n}"] for n in range(weights))
        return Progress(tuple(json.loads(str(stored["history"]))), int(stored["best_epoch"]), best)


def forget(folder: Path) -> None:
    """Remove the state of a finished run: it is no artefact."""
    (folder / STATE_FILE).unlink(missing_ok=True)
