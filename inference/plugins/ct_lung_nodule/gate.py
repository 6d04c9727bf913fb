"""Which series is taken for a chest CT, by its headers. Pure; no TensorFlow."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
from django.utils.translation import gettext_noop

from inference.domain.study import InstanceHeader
from inference.plugins.ct_lung_nodule.manifest import LARGEST_SERIES
from inference.plugins.segmentation.gate import Sentences, SeriesGate
from inference.plugins.segmentation.geometry import Fault

# cosine of the angle between the slices' normal and the body's axis
LEAST_AXIAL = 0.9


def plane_faults(header: InstanceHeader) -> Iterator[Fault]:
    """Slices that are not across the body."""
    if header.orientation is not None:
        normal = np.cross(header.orientation[:3], header.orientation[3:])
        if abs(float(normal[2])) < LEAST_AXIAL:
            yield "The slices are not axial; send the axial series.", {}


GATE = SeriesGate(
    modality="CT",
    # DICOM PS3.16 annex L, with what machines write into the field besides
    parts=frozenset({"CHEST", "THORAX", "LUNG", "LUNGS", "TORAX", "CHEST ABDOMEN", "CHESTABDOMEN", "CHESTABDPELVIS"}),
    other_parts=re.compile(
        r"\b(abdomen|pelvis|head|brain|skull|neck|spine|lumbar|cervical|knee|hip|shoulder|ankle|foot|hand|wrist"
        r"|sinus\w*)\b",
        re.IGNORECASE,
    ),
    own_words=re.compile(r"\b(chest|thora\w*|lung\w*)\b", re.IGNORECASE),
    no_slices=frozenset({"LOCALIZER", "SCOUT", "MPR", "MIP"}),
    shortest_side=128,
    spacings=(0.2, 2.0),
    largest_series=LARGEST_SERIES,
    sentences=Sentences(
        modality=gettext_noop("Modality %(modality)s; this analysis reads chest CT."),
        part=gettext_noop("Body part %(part)s; this analysis reads the chest."),
        photometric=gettext_noop("The pixels are stored as %(photometric)s, which is no CT slice."),
        spacing=gettext_noop("A pixel spacing of %(spacing)s mm is not that of a chest CT."),
    ),
    further=plane_faults,
)
