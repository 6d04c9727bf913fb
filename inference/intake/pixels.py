"""Pixels for whoever analyses or shows a stored file: decoded in a limited child, checked on arrival."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.domain.study import InstanceHeader, PixelReader
from inference.intake.codes import refusal
from inference.intake.pool import Pool, Source

OpenBlob = Callable[[InstanceHeader], Source]


class Collected:
    """Bytes of a reply, up to a cap."""

    def __init__(self, cap: int) -> None:
        self.cap = cap
        self.content = bytearray()

    def add(self, payload: bytes) -> None:
        """Take more bytes. Raises `UnreadableFile` beyond the cap, whatever the child believes."""
        if len(self.content) + len(payload) > self.cap:
            raise refusal("image_too_large.decoded", limit=self.cap)
        self.content += payload


def pixel_reader(pool: Pool, open_blob: OpenBlob) -> PixelReader:
    """A `PixelReader` that decodes in `pool`; `open_blob` gives the file of an instance as path, bytes or open file."""

    def read(instance: InstanceHeader) -> NDArray[np.float32]:
        return decode_pixels(pool, open_blob(instance))

    return read


def decode_pixels(pool: Pool, source: Source) -> NDArray[np.float32]:
    """Pixels of one file, in shape and units of `PixelReader`. Raises `UnreadableFile`."""
    collected = Collected(pool.limits.decoded_bytes)
    result = pool.run("decode", source, on_data=collected.add)
    shape = checked_shape(result.get("shape"), len(collected.content) / 4)
    return np.frombuffer(collected.content, dtype="<f4").reshape(shape).astype(np.float32, copy=False)


@dataclass(frozen=True, slots=True, eq=False)
class Rendered:
    """A frame as people see it: uint8 (rows, columns) or (rows, columns, 3), and the window that was used, if any.

    `window` is (center, width) in the units of the modality.
    """

    values: NDArray[np.uint8]
    window: tuple[float, float] | None


def rendered_frame(
    pool: Pool, source: Source, *, frame: int = 1, max_edge: int = 1_024, window: tuple[float, float] | None = None
) -> Rendered:
    """`frame` (from 1) as bare values, for who draws on it: no decoder runs here. The rest is as in `preview_png`."""
    collected = Collected(3 * pool.limits.preview_edge**2)
    center, width = window or (None, None)
    asked: dict[str, Any] = {"frame": frame, "max_edge": max_edge, "center": center, "width": width}
    result = pool.run("render", source, on_data=collected.add, **asked)
    shape = checked_shape(result.get("shape"), len(collected.content))
    if len(shape) == 4 or shape[2:] not in ((), (3,)):
        raise refusal("unreadable_file.pixels")
    values = np.frombuffer(collected.content, dtype=np.uint8).reshape(shape)
    return Rendered(values, checked_window(result.get("window")))


def checked_window(told: Any) -> tuple[float, float] | None:
    """The window that a child tells, if it is one."""
    if not isinstance(told, list) or len(told) != 2 or not all(isinstance(part, int | float) for part in told):
        return None
    return (float(told[0]), float(told[1])) if all(map(math.isfinite, told)) else None


def checked_shape(shape: Any, count: float) -> tuple[int, ...]:
    """The shape that a child claims for `count` values, if it can be."""
    if not isinstance(shape, list) or not all(isinstance(edge, int) and edge > 0 for edge in shape):
        raise refusal("unreadable_file.pixels")
    if len(shape) not in (2, 3, 4) or math.prod(shape) != count:
        raise refusal("unreadable_file.pixels")
    return tuple(shape)


def preview_png(
    pool: Pool, source: Source, *, frame: int = 1, max_edge: int = 1_024, window: tuple[float, float] | None = None
) -> bytes:
    """An 8-bit PNG of `frame` (from 1), longer edge at most `max_edge` pixels.

    `window` is (center, width) in the units of the modality; else the header's, else percentiles 1 to 99. MONOCHROME1
    is inverted, so that the picture looks as a reader expects. Raises `UnreadableFile`.
    """
    collected = Collected(pool.limits.file_bytes)
    center, width = window or (None, None)
    pool.run("preview", source, on_data=collected.add, frame=frame, max_edge=max_edge, center=center, width=width)
    return bytes(collected.content)
