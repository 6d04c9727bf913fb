"""TensorBoard logs of a training run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self


class ScalarLog:
    """Writes named figures per step into `folder`; use it as a context."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writer: Any = None

    def __enter__(self) -> Self:
        import tensorflow as tf

        self._writer = tf.summary.create_file_writer(str(self._folder))
        return self

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Log each value under its name at `step`."""
        import tensorflow as tf

        with self._writer.as_default():
            for name, value in values.items():
                tf.summary.scalar(name, value, step=step)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._writer.close()
