"""The plugin contract: what an analysis declares and what it does.

A plugin is a Python package that names an instance of `Plugin` in the entry-point group `assay.plugins`.
`validate` and `quantity` run in the web process and must not import TensorFlow; `load`, `prepare`,
`predict` and `postprocess` run in a worker process.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from inference.domain.report import Code, Report
from inference.domain.study import Inputs, PixelReader

PortKind = Literal["image", "dicom_series", "text", "qa_pairs", "interactions", "table"]
BillingUnit = Literal["study", "series", "image", "1k_chars", "request", "item", "training_minute"]
Rounding = Literal["up", "none"]

EMPTY_SCHEMA: Mapping[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}


@dataclass(frozen=True, slots=True)
class Text:
    """A sentence that a customer reads, in both languages."""

    en: str
    zh_hans: str


@dataclass(frozen=True, slots=True)
class InputPort:
    """One kind of input. `modalities` is empty where any is taken; limits are per job."""

    name: str
    kind: PortKind
    media_types: tuple[str, ...]
    modalities: tuple[str, ...] = ()
    min_items: int = 1
    max_items: int = 1
    required: bool = True


@dataclass(frozen=True, slots=True)
class Resources:
    """What one worker process needs. `deadline_seconds` bounds one attempt of one job."""

    device: Literal["cpu", "gpu"] = "cpu"
    memory_mb: int = 1024
    deadline_seconds: int = 120


@dataclass(frozen=True, slots=True)
class Batching:
    """How jobs are taken together: at most `max_items` of one bucket, at most `max_wait_ms` of waiting for more."""

    max_items: int = 8
    max_wait_ms: int = 0


@dataclass(frozen=True, slots=True)
class Artefact:
    """A file that `load` reads; its digest stands in the signed artefact manifest beside it."""

    name: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a plugin declares about itself; shown to customers and checked by the contract test suite.

    `finding_types` are the types that a reviewer may give to a finding; an analysis without findings has none.
    """

    slug: str
    version: str
    title: Text
    description: Text
    intended_use: Text
    disclaimer: Text
    inputs: tuple[InputPort, ...]
    output_schema: Mapping[str, Any]
    unit: BillingUnit
    params_schema: Mapping[str, Any] = field(default_factory=lambda: EMPTY_SCHEMA)
    medical: bool = False
    rounding: Rounding = "up"
    resources: Resources = Resources()
    batching: Batching = Batching()
    artefacts: tuple[Artefact, ...] = ()
    finding_types: tuple[Code, ...] = ()


@dataclass(frozen=True, slots=True)
class Accepted:
    """The headers show nothing against the input."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The headers already show that the input does not fit. `template` is English with `%(name)s` places."""

    code: str
    template: str
    params: Mapping[str, object] = field(default_factory=dict)


Validation = Accepted | Refused


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """The options of `manage.py train`. `out` receives the artefacts, the model card and the TensorBoard logs.

    `start` is a model file of this plugin whose weights training starts from; without it they are random.
    """

    out: Path
    seed: int = 0
    samples: int | None = None
    epochs: int | None = None
    backgrounds: Path | None = None
    start: Path | None = None


@dataclass(frozen=True, slots=True)
class SelfTest:
    """Outcome of `self_test`; `detail` names what was compared and what was seen."""

    passed: bool
    detail: str


SampleT = TypeVar("SampleT")
OutputT = TypeVar("OutputT")


class Plugin(ABC, Generic[SampleT, OutputT]):
    """One analysis. The engine calls the steps in the order in which they stand here."""

    manifest: Manifest

    @abstractmethod
    def validate(self, inputs: Inputs) -> Validation:
        """Judge the input by its headers alone. Pure, quick, no TensorFlow."""

    @abstractmethod
    def quantity(self, inputs: Inputs) -> Decimal:
        """How many billing units the job is: the one figure for estimate, reservation and bill."""

    @abstractmethod
    def load(self, artefacts: Path) -> None:
        """Read the model from `artefacts`, whose digests and signature were checked. Once per worker process."""

    @abstractmethod
    def prepare(self, inputs: Inputs, pixels: PixelReader) -> Sequence[SampleT]:
        """Turn one job's input into the samples of the model. Raises `UnsupportedInput` or `UnreadableFile`."""

    @abstractmethod
    def predict(self, batch: Sequence[SampleT]) -> Sequence[OutputT]:
        """Run the model over the samples of several jobs at once; outputs in the order of the samples."""

    @abstractmethod
    def postprocess(self, inputs: Inputs, samples: Sequence[SampleT], outputs: Sequence[OutputT]) -> Report:
        """Turn one job's outputs into its report. Raises `UnsupportedInput` where the model shows a wrong input."""

    @abstractmethod
    def self_test(self) -> SelfTest:
        """Run the loaded model on golden data that comes with the plugin."""

    def train(self, options: TrainingOptions) -> None:
        """Train anew into `options.out`; plugins that can not be trained say so."""
        raise TrainingNotOffered(self.manifest.slug)


class TrainingNotOffered(Exception):
    """The plugin has no training."""


AnyPlugin = Plugin[Any, Any]
