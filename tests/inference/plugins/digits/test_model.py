"""The model file decides numbers and nothing else."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from inference.plugins.digits import plugin
from inference.plugins.digits.manifest import MODEL_FILE
from inference.plugins.digits.model import build_model, compile_predict, load_model, weights_sha256
from inference.plugins.loading import shipped_artefacts

pytestmark = pytest.mark.database_free
SHIPPED = shipped_artefacts(plugin)
FIELDS = np.random.default_rng(0).random((3, 28, 28), dtype=np.float32)


def test_the_network_is_the_one_of_the_recipe() -> None:
    names = [type(layer).__name__ for layer in build_model().layers]
    assert names == ["Conv2D", "MaxPooling2D", "Flatten", "Dense", "Dropout", "Dense"]
    assert build_model().count_params() == 693_962


def test_the_shipped_weights_are_the_ones_that_the_card_names() -> None:
    card = json.loads((SHIPPED / "card.json").read_text())
    assert weights_sha256(load_model(SHIPPED / MODEL_FILE)) == card["model"]["weights_sha256"]


def test_the_digest_sees_a_single_changed_weight() -> None:
    model = load_model(SHIPPED / MODEL_FILE)
    before = weights_sha256(model)
    weights = model.get_weights()
    weights[0][0, 0, 0, 0] += 1e-3
    model.set_weights(weights)
    assert weights_sha256(model) != before


def test_probabilities_of_each_image_sum_to_one_for_any_number_of_images() -> None:
    predict = compile_predict(load_model(SHIPPED / MODEL_FILE), 1.0)
    for count in (1, 2, 3):
        probabilities = predict(FIELDS[:count])
        assert probabilities.shape == (count, 10)
        assert probabilities.sum(axis=1) == pytest.approx(np.ones(count), abs=1e-5)


def test_a_higher_temperature_makes_the_answers_less_sure() -> None:
    model = load_model(SHIPPED / MODEL_FILE)
    cold, hot = (compile_predict(model, temperature)(FIELDS).max() for temperature in (1.0, 3.0))
    assert hot < cold


def test_layers_that_a_model_file_describes_are_never_built(tmp_path: Path) -> None:
    forged = tmp_path / "model.keras"
    with zipfile.ZipFile(SHIPPED / MODEL_FILE) as source, zipfile.ZipFile(forged, "w") as target:
        for name in source.namelist():
            target.writestr(name, b"{no layers at all" if name == "config.json" else source.read(name))
    assert weights_sha256(load_model(forged)) == weights_sha256(load_model(SHIPPED / MODEL_FILE))


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    import keras

    other = keras.Sequential([keras.layers.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])
    other.save(tmp_path / "other.keras")
    with pytest.raises(ValueError):
        load_model(tmp_path / "other.keras")
