"""A manifest is checked before its plugin is offered."""

from __future__ import annotations

from typing import Any

import pytest

from inference.plugins import registry
from inference.plugins.base import Artefact, Batching, InputPort, Resources, Text
from inference.plugins.manifests import manifest_faults
from tests.inference.plugins.stub import stub_manifest

pytestmark = pytest.mark.database_free
PORT = InputPort("image", "image", ("image/png",))


def test_a_valid_manifest_has_no_fault() -> None:
    assert manifest_faults(stub_manifest()) == []


def test_every_installed_plugin_has_a_valid_manifest() -> None:
    assert {slug: manifest_faults(plugin.manifest) for slug, plugin in registry.installed().items()} == {
        slug: [] for slug in registry.installed()
    }


@pytest.mark.parametrize("version", ["1.0.0", "0.1.0-rc.1", "2.10.3+build.5"])
def test_semantic_versions_are_taken(version: str) -> None:
    assert manifest_faults(stub_manifest(version=version)) == []


FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"slug": "Stub"}, "slug"),
    ({"slug": "a--b"}, "slug"),
    ({"slug": "a_b"}, "slug"),
    ({"slug": "a" * 65}, "slug"),
    ({"slug": ""}, "slug"),
    ({"version": "1.0"}, "semantic version"),
    ({"version": "01.0.0"}, "semantic version"),
    ({"version": "1.0.0\n"}, "semantic version"),
    ({"title": Text(en="", zh_hans="存根")}, "title has no English"),
    ({"disclaimer": Text(en="Beware", zh_hans="Beware")}, "disclaimer has no Chinese"),
    ({"output_schema": {"type": "array"}}, "object"),
    ({"output_schema": {"type": "object", "properties": 1}}, "JSON Schema"),
    ({"params_schema": {"type": "object", "required": "x"}}, "JSON Schema"),
    ({"inputs": ()}, "no input"),
    ({"inputs": (PORT, PORT)}, "same name"),
    ({"inputs": (InputPort("image", "image", ()),)}, "media type"),
    ({"inputs": (InputPort("image", "image", ("image/png",), min_items=3),)}, "range"),
    ({"inputs": (InputPort("image", "image", ("image/png",), min_items=0),)}, "range"),
    ({"resources": Resources(deadline_seconds=0)}, "positive"),
    ({"batching": Batching(max_items=0)}, "batching"),
    ({"artefacts": (Artefact("model.h5"),)}, "model.h5"),
    ({"artefacts": (Artefact("../model.keras"),)}, "plain name"),
]


@pytest.mark.parametrize(("change", "words"), FAULTS)
def test_each_fault_is_named(change: dict[str, Any], words: str) -> None:
    faults = manifest_faults(stub_manifest(**change))
    assert len(faults) == 1
    assert words in faults[0]
