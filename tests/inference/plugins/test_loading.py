"""A plugin reads its artefacts only after they were checked."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from inference.artefacts import ArtefactRefused, sign
from inference.keys import installation_key
from inference.plugins import loading
from inference.plugins.base import Artefact
from inference.plugins.digits.plugin import Digits
from tests.inference.plugins.stub import StubPlugin, stub_manifest

pytestmark = pytest.mark.database_free


class Recording(StubPlugin):
    """Remembers what it was given to load."""

    manifest = stub_manifest(artefacts=(Artefact("weights.npz"),))
    loaded_from: Path | None = None

    def load(self, artefacts: Path) -> None:
        self.loaded_from = artefacts


@pytest.fixture(autouse=True)
def data(settings: Any, tmp_path: Path) -> Path:
    settings.ASSAY_DATA_DIR = tmp_path / "data"
    return tmp_path / "data"


@pytest.fixture
def trained(data: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "trained"
    folder.mkdir()
    (folder / "weights.npz").write_bytes(b"weights")
    sign(folder, "stub", "1.0.0", installation_key(data))
    return folder


def test_without_a_trained_model_the_shipped_one_is_taken() -> None:
    shipped = loading.artefact_directory(Digits())
    assert shipped.name == "artefacts"
    assert shipped.parent.name == "digits"


def test_the_trained_model_that_the_registry_names_is_taken(trained: Path) -> None:
    plugin = Recording()
    assert loading.load(plugin, trained).directory == trained
    assert plugin.loaded_from == trained


def test_a_tampered_model_never_reaches_the_plugin(trained: Path) -> None:
    (trained / "weights.npz").write_bytes(b"weightz")
    plugin = Recording()
    with pytest.raises(ArtefactRefused):
        loading.load(plugin, trained)
    assert plugin.loaded_from is None


def test_a_declared_artefact_must_be_among_the_signed_ones(trained: Path) -> None:
    plugin = Recording()
    plugin.manifest = stub_manifest(artefacts=(Artefact("weights.npz"), Artefact("more.npz")))
    with pytest.raises(ArtefactRefused, match=r"more\.npz"):
        loading.load(plugin, trained)


def test_a_model_of_another_version_is_refused(trained: Path) -> None:
    plugin = Recording()
    plugin.manifest = stub_manifest(version="1.0.1", artefacts=(Artefact("weights.npz"),))
    with pytest.raises(ArtefactRefused, match="made for"):
        loading.load(plugin, trained)


def test_a_plugin_without_artefacts_has_nothing_to_check() -> None:
    found = loading.load(StubPlugin())
    assert found.files == ()
    assert found.key_id == ""


def test_the_shipped_digits_stop_after_one_changed_byte(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(loading.shipped_artefacts(Digits()), copy)
    assert len(loading.verified_artefacts(Digits(), copy).files) == 3
    content = bytearray((copy / "model.keras").read_bytes())
    content[len(content) // 2] ^= 1
    (copy / "model.keras").write_bytes(content)
    with pytest.raises(ArtefactRefused, match=r"model\.keras"):
        loading.verified_artefacts(Digits(), copy)


def test_models_of_an_installation_lie_by_plugin_and_version(data: Path) -> None:
    assert loading.models_folder("digits", "1.0.0") == data / "models" / "digits" / "1.0.0"


def test_threads_are_limited_unless_the_operator_said_otherwise(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.ASSAY_TENSORFLOW_THREADS = 3
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "7")
    monkeypatch.delenv("TF_NUM_INTEROP_THREADS", raising=False)
    loading.limit_threads()
    assert os.environ["TF_NUM_INTRAOP_THREADS"] == "7"
    assert os.environ["TF_NUM_INTEROP_THREADS"] == "3"
