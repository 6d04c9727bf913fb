"""Decoding a DICOM file's frames in the child, one at a time, so that memory is bounded by one frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut
from pydicom.pixels.utils import iter_pixels

from inference.intake.header import number, several

JPEG_2000 = {f"1.2.840.10008.1.2.4.{last}" for last in (90, 91, 201, 202, 203)}
# the newest openjpeg at hand; the other decoders carry older copies of it
JPEG_2000_PLUGIN = "pylibjpeg"


def stored_frames(
    header: FileDataset, source: BinaryIO, indices: Sequence[int] | None = None
) -> Iterator[NDArray[Any]]:
    """Frames as stored: (rows, columns), or (rows, columns, 3) in RGB; palettes are looked up.

    `source` is what `open_dicom` returned. Decoders raise what they like on damaged data.
    """
    source.seek(0)
    dataset = dcmread(source, force=True)
    dataset.file_meta.TransferSyntaxUID = header.file_meta.TransferSyntaxUID
    plugin = JPEG_2000_PLUGIN if header.file_meta.TransferSyntaxUID in JPEG_2000 else ""
    for frame in iter_pixels(dataset, indices=indices, decoding_plugin=plugin):
        yield coloured(frame, dataset) if header.get("PhotometricInterpretation") == "PALETTE COLOR" else frame


def coloured(frame: NDArray[Any], dataset: Dataset) -> NDArray[Any]:
    """Palette indices as 8-bit RGB; a 16-bit palette holds the same colours in its high bytes."""
    looked_up: NDArray[Any] = np.asarray(apply_color_lut(frame, dataset))[..., :3]
    return looked_up >> 8 if looked_up.max(initial=0) > 255 else looked_up


def rescaled(header: Dataset, index: int) -> Callable[[NDArray[Any]], NDArray[np.float32]]:
    """What turns the stored values of frame `index` into the units of the modality (HU for CT).

    A modality table comes before slope and intercept. Padding values are rescaled like all others, MONOCHROME1 stays.
    """
    if several(header.get("ModalityLUTSequence")):
        return lambda values: np.asarray(apply_modality_lut(values, header), dtype=np.float32)
    slope, intercept = (np.float32(factor) for factor in rescale_of(header, index))
    return lambda values: values.astype(np.float32) * slope + intercept


def rescale_of(header: Dataset, index: int) -> tuple[float, float]:
    """Slope and intercept of frame `index`: the frame's own where an enhanced object has one, else those of all."""
    per_frame = several(header.get("PerFrameFunctionalGroupsSequence"))[index : index + 1]
    shared = several(header.get("SharedFunctionalGroupsSequence"))[:1]
    for groups in (*per_frame, *shared):
        for item in several(groups.get("PixelValueTransformationSequence"))[:1]:
            return factor(item, "RescaleSlope", 1.0), factor(item, "RescaleIntercept", 0.0)
    return factor(header, "RescaleSlope", 1.0), factor(header, "RescaleIntercept", 0.0)


def factor(item: Dataset, name: str, default: float) -> float:
    """A number of the data set, `default` where it is missing or not finite."""
    found = number(item.get(name))
    return default if found is None else found
