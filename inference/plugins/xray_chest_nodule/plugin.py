"""The chest radiograph analysis behind the plugin contract."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import numpy as np

from inference.domain.report import Report
from inference.domain.study import Inputs, PixelReader
from inference.plugins.base import Plugin, SelfTest, TrainingOptions, Validation
from inference.plugins.segmentation.familiarity import Thresholds, load_thresholds
from inference.plugins.segmentation.golden import compare_with_golden
from inference.plugins.segmentation.network import Output, Predict, compile_predict, load_network
from inference.plugins.xray_chest_nodule.familiarity import require_chest
from inference.plugins.xray_chest_nodule.gate import Choice, choose_films, judge_headers
from inference.plugins.xray_chest_nodule.manifest import GOLDEN_FILE, MANIFEST, MODEL_FILE, THRESHOLDS_FILE
from inference.plugins.xray_chest_nodule.model import DESIGN, LUNG_MAP, OPACITY_MAP
from inference.plugins.xray_chest_nodule.postprocess import FilmMaps, build_report
from inference.plugins.xray_chest_nodule.preprocess import FIELD, Sample, prepare_film


class ChestNodule(Plugin[Sample, Output]):
    """A sample is one film's local contrasts with its placement, an output the maps of opacity and lung."""

    manifest = MANIFEST
    _predict: Predict
    _thresholds: Thresholds
    _artefacts: Path

    def validate(self, inputs: Inputs) -> Validation:
        return judge_headers(inputs.study)

    def quantity(self, inputs: Inputs) -> Decimal:
        return Decimal(len(chosen(inputs).films))

    def load(self, artefacts: Path) -> None:
        predict = compile_predict(load_network(DESIGN, artefacts / MODEL_FILE), DESIGN, (FIELD, FIELD))
        self.use(predict, load_thresholds(artefacts / THRESHOLDS_FILE))
        self._artefacts = artefacts

    def use(self, predict: Predict, thresholds: Thresholds) -> None:
        """Take a model that was just trained, as `load` takes one from its artefacts."""
        self._predict, self._thresholds = predict, thresholds

    def prepare(self, inputs: Inputs, pixels: PixelReader) -> Sequence[Sample]:
        return [prepare_film(pixels(film.header), film.header) for film in chosen(inputs).films]

    def predict(self, batch: Sequence[Sample]) -> Sequence[Output]:
        return self._predict(np.stack([sample.contrasts for sample in batch]))

    def postprocess(self, inputs: Inputs, samples: Sequence[Sample], outputs: Sequence[Output]) -> Report:
        choice = chosen(inputs)
        films = []
        for film, sample, output in zip(choice.films, samples, outputs, strict=True):
            require_chest(film.number, output, self._thresholds.familiarity)
            maps = output.maps[..., OPACITY_MAP], output.maps[..., LUNG_MAP]
            films.append(FilmMaps(film.number, film.header, sample.placement, *maps))
        left_out = [refused.template % refused.params for refused in choice.refused]
        return build_report(films, self._thresholds.scoring, left_out)

    def self_test(self) -> SelfTest:
        return compare_with_golden(self._predict, self._artefacts / GOLDEN_FILE)

    def train(self, options: TrainingOptions) -> None:
        from inference.plugins.xray_chest_nodule.train import train

        train(options)


def chosen(inputs: Inputs) -> Choice:
    """The films of the job, and what was left out; nothing where it has no study."""
    return choose_films(inputs.study) if inputs.study else Choice((), ())
