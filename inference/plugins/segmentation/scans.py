"""The base of plugins that read one series of slices: CT and MR.

A subclass says what it takes (`gate`), how values are normalised (`normalise`), which part of a scan is run and where
findings may lie (`region`), and what a finding is (`class_of`, `type_of`, `site_of`). The rest is the same for all.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.domain.errors import UnsupportedInput
from inference.domain.report import Code, Finding, Report, ResultStatus, Site
from inference.domain.study import Inputs, PixelReader, SeriesHeader
from inference.plugins.base import Accepted, Plugin, Refused, SelfTest, Validation
from inference.plugins.segmentation.familiarity import Thresholds, load_thresholds
from inference.plugins.segmentation.gate import CODE, SeriesGate, judge_series
from inference.plugins.segmentation.geometry import stack_faults, stack_of
from inference.plugins.segmentation.golden import compare_with_golden
from inference.plugins.segmentation.identity import tracking_uid
from inference.plugins.segmentation.lesions import Lesion, draw, find_lesions
from inference.plugins.segmentation.network import Design, Predict, compile_predict, load_network
from inference.plugins.segmentation.volumes import Grid, Mapped, Scan, map_volume, read_scan

MODEL_FILE, THRESHOLDS_FILE, GOLDEN_FILE = "model.keras", "thresholds.npz", "golden.npz"

Mask = NDArray[np.bool_]
Volume = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Region:
    """Which slices of the grid are run, and where the centre of a finding may lie (slices, rows, columns).

    `labels` names parts of the body on the grid, 0 where there is none; it is handed to `site_of`.
    """

    slices: tuple[int, ...]
    allowed: Mask
    labels: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Sample:
    """One scan for the model: values in the source's unit, normalised values, and its region."""

    scan: Scan
    normalised: Volume
    region: Region


@dataclass(frozen=True, slots=True)
class Settings:
    """Fixed with the code: the network, the grid, neighbouring slices on either side, level and least cells of a mark.

    `fewest_slices` is what a series must have, `largest_distance` how far apart in mm they may lie; `unfamiliar` is the
    sentence for a scan that is like nothing known.
    """

    design: Design
    grid: Grid
    context: int
    level: float
    fewest_cells: int
    fewest_slices: int
    unfamiliar: str
    largest_distance: float = 6.0


class ScanPlugin(Plugin[Sample, Mapped]):
    """A sample is one scan on the model's grid, an output the probability of a lesion over it."""

    settings: Settings
    gate: SeriesGate
    network: Predict
    _thresholds: Thresholds
    _artefacts: Path

    @abstractmethod
    def normalise(self, values: Volume) -> Volume:
        """Values on the grid, in the source's unit, to what the network takes. Also used by training."""

    @abstractmethod
    def region(self, scan: Scan) -> Region:
        """What of the scan is run. Raises `UnsupportedInput` where the scan does not show the part of the body."""

    @abstractmethod
    def class_of(self, lesion: Lesion, sample: Sample) -> str:
        """The slug of the finding's type, by a rule on the values inside the outline."""

    @abstractmethod
    def type_of(self, lesion: Lesion, sample: Sample, mean_diameter_mm: float | None) -> Code:
        """What the finding is called."""

    @abstractmethod
    def site_of(self, lesion: Lesion, sample: Sample) -> Site | None:
        """Where in the body it lies."""

    def notes(self, findings: Sequence[Finding], sample: Sample) -> tuple[str, ...]:
        """Sentences for the reader, one fact each."""
        return ()

    def measures(self, sample: Sample) -> Mapping[str, float]:
        """Figures of the scan as a whole."""
        return {"slices": float(len(sample.scan.stack.headers))}

    def validate(self, inputs: Inputs) -> Validation:
        verdict, _ = self.choose(inputs)
        return verdict

    def quantity(self, inputs: Inputs) -> Decimal:
        return Decimal(1)

    def choose(self, inputs: Inputs) -> tuple[Validation, SeriesHeader | None]:
        """The series with the most slices among those that fit; else the verdict on the largest one."""
        series = sorted(inputs.study.series if inputs.study else (), key=lambda one: -len(one.instances))
        if not series:
            return Refused(CODE, "The job has no images."), None
        verdicts = [(self.judge_all(inputs, one), one) for one in series]
        fitting = [(verdict, one) for verdict, one in verdicts if isinstance(verdict, Accepted)]
        return fitting[0] if fitting else (verdicts[0][0], None)

    def judge_all(self, inputs: Inputs, series: SeriesHeader) -> Validation:
        """Headers first, then geometry."""
        verdict = judge_series(self.gate, inputs.study, series)
        if isinstance(verdict, Refused):
            return verdict
        limits = self.settings.fewest_slices, self.settings.largest_distance
        fault = next(stack_faults(series.instances, *limits), None)
        return Refused(CODE, *fault) if fault else Accepted()

    def load(self, artefacts: Path) -> None:
        design = self.settings.design
        self.network = compile_predict(load_network(design, artefacts / MODEL_FILE), design)
        self._thresholds = load_thresholds(artefacts / THRESHOLDS_FILE)
        self._artefacts = artefacts

    def use(self, predict: Predict, thresholds: Thresholds) -> None:
        """Take a model that was just trained, as `load` takes one from its artefacts."""
        self.network, self._thresholds = predict, thresholds

    def prepare(self, inputs: Inputs, pixels: PixelReader) -> Sequence[Sample]:
        verdict, series = self.choose(inputs)
        if series is None:
            assert isinstance(verdict, Refused)
            params: dict[str, Any] = dict(verdict.params)
            raise UnsupportedInput(verdict.template, code=verdict.code, **params)
        return [self.sample_of(read_scan(stack_of(series.instances), pixels, self.settings.grid))]

    def sample_of(self, scan: Scan) -> Sample:
        return Sample(scan, self.normalise(scan.values), self.region(scan))

    def predict(self, batch: Sequence[Sample]) -> Sequence[Mapped]:
        settings = self.settings
        return [
            map_volume(
                self.network, one.normalised, one.region.slices, settings.context, settings.design.multiple
            )
            for one in batch
        ]  # fmt: skip

    def postprocess(self, inputs: Inputs, samples: Sequence[Sample], outputs: Sequence[Mapped]) -> Report:
        sample, mapped = samples[0], outputs[0]
        self.require_familiar(mapped)
        findings = tuple(self.findings(sample, mapped))
        status: ResultStatus = "findings" if findings else "no_findings"
        return Report(status, findings, notes=self.notes(findings, sample), measures=dict(self.measures(sample)))

    def require_familiar(self, mapped: Mapped) -> None:
        """Raises `UnsupportedInput` where the features of the scan are far from all that the model knows."""
        known = self._thresholds.familiarity
        if known.distance(mapped.features) > known.limit:
            raise UnsupportedInput(self.settings.unfamiliar)

    def marks(self, sample: Sample, mapped: Mapped) -> list[Lesion]:
        """All components, those with the highest peak first; the threshold comes after."""
        settings = self.settings
        return find_lesions(mapped.probability, settings.level, settings.fewest_cells, sample.region.allowed)

    def findings(self, sample: Sample, mapped: Mapped) -> list[Finding]:
        """The lesions whose score reaches the threshold, most certain first."""
        scoring = self._thresholds.scoring
        scored = [(scoring.score(lesion.peak), lesion) for lesion in self.marks(sample, mapped)]
        kept = [(score, lesion) for score, lesion in scored if score >= scoring.threshold]
        return [self.as_finding(sample, lesion, score, index) for index, (score, lesion) in enumerate(kept)]

    def as_finding(self, sample: Sample, lesion: Lesion, score: float, index: int) -> Finding:
        drawn = draw(lesion, sample.scan, self.settings.level, self.site_of(lesion, sample))
        return Finding(
            tracking_uid=tracking_uid(self.manifest, sample.scan.stack.headers, index),
            type=self.type_of(lesion, sample, drawn.size.mean_diameter_mm),
            score=score,
            location=drawn.location,
            size=drawn.size,
            truncated=lesion.truncated,
            contours=drawn.contours,
        )

    def self_test(self) -> SelfTest:
        return compare_with_golden(self.network, self._artefacts / GOLDEN_FILE)
