"""Which series is taken for a T1 of a head, by its headers; any plane. Pure; no TensorFlow."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.utils.translation import gettext_noop

from inference.domain.study import InstanceHeader
from inference.plugins.mri_brain_lesion.manifest import LARGEST_SERIES
from inference.plugins.segmentation.gate import Sentences, SeriesGate, plain
from inference.plugins.segmentation.geometry import Fault

# other weightings and computed images, as machines name them; a name of a T1 sequence beside them wins
OTHER_WEIGHTINGS = re.compile(
    r"(?<![a-z0-9])(t2\w*|flair|dwi|adc|dti|trace\w*|diff\w*|swi|swan|pd|pdw|stir|bold|fmri|perf\w*|asl|tof|mra|mrv"
    r"|mrs|spectro\w*|epi|b0|b1000|fa|cbf|cbv|phase|subtraction)(?![a-z0-9])",
    re.IGNORECASE,
)
T1_WORDS = re.compile(
    r"(?<![a-z0-9])(t1\w*|mp2?rage|spgr|bravo|vibe|3d ?tfe|tfl\w*|ir ?fspgr)(?![a-z0-9])", re.IGNORECASE
)


def weighting_faults(header: InstanceHeader) -> Iterator[Fault]:
    """The weighting, by the descriptions of the series and the protocol: what names another than T1 is refused."""
    for words in (header.series_description, header.protocol_name):
        spaced = plain(words).lower()
        if T1_WORDS.search(spaced):
            return
        other = OTHER_WEIGHTINGS.search(spaced)
        if other:
            yield "The series is %(weighting)s; this analysis reads T1.", {"weighting": other.group().upper()}
            return


GATE = SeriesGate(
    modality="MR",
    # DICOM PS3.16 annex L, with what machines write into the field besides
    parts=frozenset({"HEAD", "BRAIN", "SKULL", "HEADNECK", "HEAD NECK", "CEREBRUM", "NEURO"}),
    other_parts=re.compile(
        r"\b(abdomen|liver|pelvis|prostate|breast|heart|cardiac|chest|thorax|neck|spine|lumbar|cervical|thoracic|knee"
        r"|hip|shoulder|ankle|foot|hand|wrist|elbow|orbit\w*|pituitary)\b",
        re.IGNORECASE,
    ),
    own_words=re.compile(r"\b(head|brain|skull|cerebr\w*|neuro\w*)\b", re.IGNORECASE),
    no_slices=frozenset({"LOCALIZER", "SCOUT", "MIP", "PROJECTION IMAGE", "ADC", "PHASE MAP", "DIFFUSION"}),
    shortest_side=96,
    spacings=(0.2, 2.5),
    largest_series=LARGEST_SERIES,
    sentences=Sentences(
        modality=gettext_noop("Modality %(modality)s; this analysis reads MR of the brain."),
        part=gettext_noop("Body part %(part)s; this analysis reads the brain."),
        photometric=gettext_noop("The pixels are stored as %(photometric)s, which is no MR slice."),
        spacing=gettext_noop("A pixel spacing of %(spacing)s mm is not that of a head MR."),
    ),
    further=weighting_faults,
)
