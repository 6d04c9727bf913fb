"""What a worker holds in memory, and what it says in the result about the model that made it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from inference import registry
from inference.engine import models
from inference.models import ModelState, ModelVersion
from inference.plugins import registry as plugins
from tenants.context import operator_context
from tests.inference.work import SLUG

pytestmark = pytest.mark.django_db


@pytest.fixture
def second(echo: None, tmp_path: Path) -> ModelVersion:
    """Another model of the plugin, trained here, not yet in force."""
    return ModelVersion.objects.create(
        plugin=SLUG, version="1.0.0", weights_sha256="a" * 64, directory=str(tmp_path), state=ModelState.DRAFT
    )


def bucket() -> str:
    return registry.bucket(plugins.get(SLUG))


def test_a_model_is_loaded_once(echo: None, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Any] = []
    monkeypatch.setattr(plugins.get(SLUG), "load", read.append)
    assert models.loaded(bucket()) is models.loaded(bucket())
    assert len(read) == 1


def test_a_model_that_was_replaced_in_memory_is_not_named_in_results_any_more(second: ModelVersion) -> None:
    before = bucket()
    models.loaded(before)
    with operator_context():
        registry.activate(second)
    models.loaded(bucket())
    with pytest.raises(models.UnknownBucket):
        models.loaded(before)


def test_until_the_new_model_is_loaded_the_old_ones_jobs_are_served(second: ModelVersion) -> None:
    before = models.loaded(bucket())
    with operator_context():
        registry.activate(second)
    assert models.loaded(before.bucket) is before


def test_a_load_that_breaks_leaves_no_model_in_memory(second: ModelVersion, monkeypatch: pytest.MonkeyPatch) -> None:
    before = bucket()
    models.loaded(before)
    with operator_context():
        registry.activate(second)
    monkeypatch.setattr(plugins.get(SLUG), "load", broken)
    with pytest.raises(RuntimeError):
        models.loaded(bucket())
    with pytest.raises(models.UnknownBucket):
        models.loaded(before)


def broken(artefacts: Path) -> None:
    raise RuntimeError("these weights can not be read")
