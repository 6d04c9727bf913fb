"""Drawn samples on disk: drawn once, by two processes, into mapped files; an interrupted drawing goes on."""

from __future__ import annotations

import hashlib
import multiprocessing
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.training.progress import progress

CHUNK = 50
PROCESSES = 2

Arrays = dict[str, NDArray[Any]]
Draw = Callable[[int], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Column:
    """One array per sample: its shape and dtype name."""

    name: str
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True, slots=True)
class Series:
    """`count` samples in `folder`. `draw(index)` gives the columns of one; a module's function, since it is pickled."""

    folder: Path
    count: int
    columns: tuple[Column, ...]
    draw: Draw
    chunk: int = CHUNK

    def open(self, mode: str) -> Arrays:
        """The arrays (count, ...) by name, mapped; `mode` as for `numpy.memmap`."""
        return {
            column.name: np.memmap(
                self.folder / f"{column.name}.raw", column.dtype, mode, shape=(self.count, *column.shape)
            )  # type: ignore[call-overload]
            for column in self.columns
        }


def draw_all(series: Series) -> Arrays:
    """Draw what is not drawn yet; the arrays are mapped, not read."""
    series.folder.mkdir(parents=True, exist_ok=True)
    if not all((series.folder / f"{column.name}.raw").exists() for column in series.columns):
        series.open("w+")
    starts = [start for start in range(0, series.count, series.chunk) if not done_mark(series, start).exists()]
    # spawned, not forked: a fork of a process in which TensorFlow has run hangs
    with ProcessPoolExecutor(PROCESSES, multiprocessing.get_context("spawn")) as pool:
        tasks = [pool.submit(draw_chunk, series, start) for start in starts]
        for task in progress(as_completed(tasks), f"drawing samples, {series.chunk} at a time"):
            task.result()
    return series.open("r")


def draw_chunk(series: Series, start: int) -> None:
    """Draw one chunk into the files, and mark it as done."""
    arrays = series.open("r+")
    for index in range(start, min(start + series.chunk, series.count)):
        for name, value in series.draw(index).items():
            arrays[name][index] = value
    for array in arrays.values():
        array.flush()  # type: ignore[attr-defined]
    done_mark(series, start).touch()


def done_mark(series: Series, start: int) -> Path:
    return series.folder / f"{series.count}-{series.chunk}-{start}.done"


def sha256_of(arrays: Arrays) -> str:
    """Digest of all samples: arrays by name, chunk by chunk."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        for start in range(0, len(arrays[name]), CHUNK):
            digest.update(np.ascontiguousarray(arrays[name][start : start + CHUNK]).tobytes())
    return digest.hexdigest()
