"""Opening a PNG or JPEG in the child with Pillow, after `raster` has checked and stripped it."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, JpegImagePlugin, PngImagePlugin

from inference.intake.limits import Limits
from inference.intake.raster import ORIENTATION, strip_jpeg, strip_png

# named, so that the decoders are loaded before the first fork and Pillow never looks for its other formats
PLUGINS = (JpegImagePlugin, PngImagePlugin)
FORMATS = ("PNG", "JPEG")
SIXTEEN_BIT = {"I;16", "I;16B", "I;16L", "I"}
GREY = {"1", "L", "LA", "La"}


def strip(data: bytes, kind: str, limits: Limits) -> bytes:
    """`data` of `kind` `png` or `jpeg` without metadata. Raises `UnreadableFile`."""
    if kind == "png":
        return strip_png(data, limits)
    # twice: Pillow reads the orientation only from bytes whose size was found to be within the cap
    plain = strip_jpeg(data, limits)
    orientation = orientation_of(data)
    return strip_jpeg(data, limits, orientation) if orientation != 1 else plain


def orientation_of(data: bytes) -> int:
    """The EXIF orientation, 1 where there is none or it can not be read."""
    try:
        with open_image(data) as image:
            found = image.getexif().get(ORIENTATION, 1)
    except Exception:
        return 1
    return found if isinstance(found, int) and found in range(1, 9) else 1


def open_image(data: bytes) -> Image.Image:
    """A Pillow image, not decoded yet. Its bomb warning is an error here, although `raster` stands before it."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        return Image.open(io.BytesIO(data), formats=FORMATS)


def image_array(data: bytes) -> NDArray[Any]:
    """Pixels, upright: uint8 or uint16 (rows, columns), or uint8 (rows, columns, 3) in RGB; transparency is dropped.

    16-bit colour comes as 8-bit, which is what Pillow makes of it.
    """
    with open_image(data) as image:
        upright = ImageOps.exif_transpose(image)
        if upright.mode in SIXTEEN_BIT:
            return np.asarray(upright).astype(np.uint16)
        return np.asarray(upright.convert("L" if upright.mode in GREY else "RGB"))


def picture_header(array: NDArray[Any], kind: str) -> dict[str, Any]:
    """The fields of `InstanceHeader` that a loose image has."""
    colour = array.ndim == 3
    return {
        "media_type": f"image/{kind}",
        "rows": array.shape[0],
        "columns": array.shape[1],
        "samples_per_pixel": 3 if colour else 1,
        "bits_stored": array.dtype.itemsize * 8,
        "photometric": "RGB" if colour else "MONOCHROME2",
    }
