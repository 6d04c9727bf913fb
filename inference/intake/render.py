"""One frame as people see it, in the child; `pixels.preview_png` and `pixels.rendered_frame` are the other end."""

from __future__ import annotations

import io
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inference.intake.decode import frames_of
from inference.intake.dicom import open_dicom
from inference.intake.header import image
from inference.intake.limits import Limits
from inference.intake.sniff import HEAD_BYTES, file_type
from inference.intake.wire import ReplyWriter

PERCENTILES = (1.0, 99.0)
# percentiles of a large image hardly move when taken from every n-th pixel
SAMPLED_PIXELS = 1_000_000
Window = tuple[float, float]


def preview(source: BinaryIO, limits: Limits, reply: ReplyWriter, options: dict[str, Any]) -> dict[str, Any]:
    """Send a PNG of frame `options["frame"]` (from 1), its longer edge at most `options["max_edge"]` pixels.

    Options `center` and `width` set the window, in the units of the modality. The result is
    `{"rows", "columns", "window": [center, width] | null}` of the picture as it was sent.
    """
    picture, window = picture_of(source, limits, options)
    packed = io.BytesIO()
    picture.save(packed, format="PNG", compress_level=3)
    reply.data(packed.getvalue())
    return {"rows": picture.height, "columns": picture.width, "window": window}


def render(source: BinaryIO, limits: Limits, reply: ReplyWriter, options: dict[str, Any]) -> dict[str, Any]:
    """The same as bare 8-bit values, for who draws on them. The result is `{"shape": [...], "window": ... | null}`."""
    picture, window = picture_of(source, limits, options)
    values = np.ascontiguousarray(picture, dtype=np.uint8)
    reply.data(values.data)
    return {"shape": list(values.shape), "window": window}


def picture_of(source: BinaryIO, limits: Limits, options: dict[str, Any]) -> tuple[Image.Image, Window | None]:
    """The frame at its size for showing, and the window that was used, if any."""
    edge = max(1, min(int(options["max_edge"]), limits.preview_edge))
    given = (float(options["center"]), float(options["width"])) if options.get("width") else None
    grey, window = eight_bit(source, limits, int(options["frame"]) - 1, edge, given)
    picture = Image.fromarray(grey)
    picture.thumbnail((edge, edge), Image.Resampling.LANCZOS)
    return picture, window


def eight_bit(
    source: BinaryIO, limits: Limits, index: int, edge: int, given: Window | None
) -> tuple[NDArray[np.uint8], Window | None]:
    """The frame as uint8, (rows, columns) or (rows, columns, 3), and the window that was used, if any."""
    frame, to_units = next(frames_of(source, limits, index))
    frame = thinned(frame, edge)
    if frame.ndim == 3 or (frame.dtype == np.uint8 and given is None and is_picture(source)):
        return scaled_to_bytes(frame), None
    described = {} if is_picture(source) else image(open_dicom(source, limits)[0])
    values = to_units(frame)
    window = given or usable(described.get("window")) or percentile_window(values)
    grey = windowed(values, window)
    return (255 - grey if described.get("photometric") == "MONOCHROME1" else grey), window


def thinned(frame: NDArray[Any], edge: int) -> NDArray[Any]:
    """Every n-th row and column of a frame of more than twice the edge: the rest would only cost memory and time."""
    step = max(1, max(frame.shape[:2]) // (2 * edge))
    return frame[::step, ::step]


def is_picture(source: BinaryIO) -> bool:
    """Whether the file is a PNG or JPEG, whose values are shown as they are."""
    source.seek(0)
    return file_type(source.read(HEAD_BYTES)) != "dicom"


def usable(window: list[float] | None) -> Window | None:
    """The header's window, if its width is one."""
    return (window[0], window[1]) if window and window[1] >= 1 else None


def percentile_window(frame: NDArray[np.float32]) -> Window:
    """Center and width between the 1st and the 99th percentile."""
    step = max(1, int((frame.size / SAMPLED_PIXELS) ** 0.5))
    low, high = np.percentile(frame[::step, ::step], PERCENTILES)
    return float((low + high) / 2), float(max(high - low, 1e-6))


def windowed(frame: NDArray[np.float32], window: Window) -> NDArray[np.uint8]:
    """Linear window to 0..255, clipped at both ends."""
    center, width = window
    scaled = (frame - np.float32(center - width / 2)) * np.float32(255 / width)
    grey: NDArray[np.uint8] = np.nan_to_num(scaled, copy=False).clip(0, 255).astype(np.uint8)
    return grey


def scaled_to_bytes(frame: NDArray[Any]) -> NDArray[np.uint8]:
    """Colour of 8 bits as it is, deeper colour by its high bits."""
    if frame.max(initial=0) > 255:
        frame = frame >> 8 * (frame.dtype.itemsize - 1)
    return frame.astype(np.uint8)
