"""Every cap of the intake in one place.

The defaults come from measurements with hostile files: a 522 kB deflated DICOM file inflates to 512 MiB, a 164 kB PNG
of 13000 x 13000 pixels passes Pillow with no more than a warning, a header may claim 7.8 TiB of pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes are in bytes, times in seconds. `children` is the number of limited processes per server process."""

    files: int = 2_000
    file_bytes: int = 256 * MIB
    total_bytes: int = 2 * 1024 * MIB
    name_chars: int = 255

    archive_ratio: int = 200
    # below this size the ratio says nothing: a small blank image packs well
    archive_ratio_floor: int = 4 * MIB

    pixels: int = 6_000 * 6_000
    frames: int = 2_000
    # float32 as the decoder hands it over
    decoded_bytes: int = 512 * MIB
    inflate_ratio: int = 200
    inflated_bytes: int = 256 * MIB
    text_chars: int = 128
    preview_edge: int = 2_048

    children: int = 2
    tasks_per_child: int = 50
    memory_bytes: int = 1_024 * MIB
    cpu_seconds: int = 20
    archive_cpu_seconds: int = 60
    wall_seconds: float = 60.0
    startup_seconds: float = 60.0
    written_bytes: int = 1 * MIB
    open_files: int = 64
    # how long the check at upload may spend on decoding; frames after that are first decoded by the analysis
    pixel_check_seconds: float = 5.0

    @classmethod
    def from_mapping(cls, overrides: Mapping[str, Any]) -> Limits:
        """The defaults with `overrides`; an unknown name is an error, so that no misspelt cap is silently ignored."""
        known = {field.name for field in fields(cls)}
        unknown = set(overrides) - known
        if unknown:
            raise ValueError(f"unknown intake limits: {', '.join(sorted(unknown))}")
        return cls(**overrides)
