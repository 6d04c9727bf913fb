"""Pixels of one stored file as float32, in the child; `pixels.decode_pixels` is the other end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from inference.intake.codes import refusal
from inference.intake.dicom import open_dicom
from inference.intake.frames import rescaled, stored_frames
from inference.intake.limits import Limits
from inference.intake.picture import image_array, strip
from inference.intake.sniff import HEAD_BYTES, file_type
from inference.intake.wire import ReplyWriter

LITTLE_FLOAT = np.dtype("<f4")
# values turned to float32 at a time: a whole frame as float32 beside the stored one would not fit the memory limit
BAND_VALUES = 4_000_000

StoredFrame = NDArray[Any]
ToUnits = Callable[[NDArray[Any]], NDArray[np.float32]]


def decode(source: BinaryIO, limits: Limits, reply: ReplyWriter, options: dict[str, Any]) -> dict[str, Any]:
    """Send little-endian float32 values frame by frame; the result is `{"shape": [...]}` as in `PixelReader`."""
    shape: tuple[int, ...] = ()
    count = 0
    for frame, to_units in frames_of(source, limits):
        for band in bands(frame):
            reply.data(np.ascontiguousarray(to_units(band), dtype=LITTLE_FLOAT).data)
        shape, count = frame.shape, count + 1
    return {"shape": [*([count] if count > 1 else []), *shape]}


def bands(frame: StoredFrame) -> Iterator[StoredFrame]:
    """`frame` in groups of rows."""
    rows = max(1, BAND_VALUES * len(frame) // max(1, frame.size))
    for start in range(0, len(frame), rows):
        yield frame[start : start + rows]


def frames_of(source: BinaryIO, limits: Limits, index: int | None = None) -> Iterator[tuple[StoredFrame, ToUnits]]:
    """Frames of a file as stored, all or only the one at `index`, each with what turns its values into units.

    Raises `UnreadableFile` where the decoder refuses the bytes.
    """
    head = source.read(HEAD_BYTES)
    kind = file_type(head)
    if kind == "dicom":
        yield from dicom_frames(source, limits, index)
    elif kind in ("png", "jpeg"):
        yield picture(head + source.read(), kind, limits), as_float
    else:
        raise refusal("unreadable_file.type")


def dicom_frames(source: BinaryIO, limits: Limits, index: int | None) -> Iterator[tuple[StoredFrame, ToUnits]]:
    """`frames_of` a DICOM file."""
    header, pixels = open_dicom(source, limits)
    indices = None if index is None else [index]
    try:
        for number, frame in enumerate(stored_frames(header, pixels, indices), start=index or 0):
            yield frame, rescaled(header, number) if frame.ndim == 2 else as_float
    except MemoryError:
        raise
    except Exception as error:
        raise refusal("unreadable_file.pixels") from error


def picture(data: bytes, kind: str, limits: Limits) -> NDArray[Any]:
    """The pixels of a PNG or JPEG, 0..255 or 0..65535."""
    stripped = strip(data, kind, limits)
    try:
        return image_array(stripped)
    except MemoryError:
        raise
    except Exception as error:
        raise refusal("unreadable_file.pixels") from error


def as_float(values: NDArray[Any]) -> NDArray[np.float32]:
    """Values that have no other unit."""
    return values.astype(np.float32)
