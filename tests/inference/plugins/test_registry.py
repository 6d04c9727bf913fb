"""Plugins come from entry points; a broken one is listed, and the process and the others serve on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any

import pytest

from inference.plugins import digits, registry
from inference.plugins.registry import GROUP, UnknownPlugin, scan
from tests.inference.plugins.stub import StubPlugin, stub_manifest

pytestmark = pytest.mark.database_free
DIGITS = EntryPoint("digits", "inference.plugins.digits:plugin", GROUP)


@pytest.fixture
def module() -> Iterator[ModuleType]:
    """An importable module of a stranger."""
    made = ModuleType("a_stranger")
    sys.modules["a_stranger"] = made
    yield made
    del sys.modules["a_stranger"]


def offer(module: ModuleType, plugin: Any, name: str = "stub") -> EntryPoint:
    module.__dict__["plugin"] = plugin
    return EntryPoint(name, "a_stranger:plugin", GROUP)


def test_our_own_plugins_are_installed() -> None:
    assert registry.get("digits") is digits.plugin
    assert registry.installed()["digits"] is digits.plugin


def test_an_unknown_name_is_the_users_error() -> None:
    with pytest.raises(UnknownPlugin) as raised:
        registry.get("no-such")
    assert raised.value.code == "unknown_plugin"
    assert "no-such" in raised.value.detail


def test_the_environment_is_read_once() -> None:
    assert registry.installed() is registry.installed()


def test_a_valid_plugin_of_a_stranger_is_taken(module: ModuleType) -> None:
    found = scan([offer(module, StubPlugin())])
    assert list(found.plugins) == ["stub"]
    assert not found.broken


@pytest.mark.parametrize(
    "value", ["no_such_module:plugin", "json:no_such_name", "tests.inference.plugins.broken_module:plugin"]
)
def test_a_plugin_that_can_not_be_imported_is_listed_with_its_reason(value: str) -> None:
    found = scan([EntryPoint("bad", value, GROUP), DIGITS])
    assert list(found.plugins) == ["digits"]
    assert found.broken["bad"].reason


def test_something_that_is_no_plugin_is_listed(module: ModuleType) -> None:
    assert "not an instance" in scan([offer(module, StubPlugin)]).broken["stub"].reason


def test_an_entry_point_must_have_the_name_of_its_plugin(module: ModuleType) -> None:
    assert "named other" in scan([offer(module, StubPlugin(), "other")]).broken["other"].reason


def test_a_plugin_without_a_manifest_is_listed(module: ModuleType) -> None:
    plugin = StubPlugin()
    plugin.__dict__["manifest"] = None
    assert scan([offer(module, plugin)]).broken["stub"].reason


def test_a_plugin_with_a_faulty_manifest_is_listed_with_the_fault(module: ModuleType) -> None:
    plugin = StubPlugin()
    plugin.manifest = stub_manifest(version="one")
    assert "semantic version" in scan([offer(module, plugin)]).broken["stub"].reason


def test_a_stranger_can_not_take_the_place_of_an_earlier_plugin(module: ModuleType) -> None:
    plugin = StubPlugin()
    plugin.manifest = stub_manifest(slug="digits")
    ours = next(point for point in entry_points(group=GROUP) if point.name == "digits")
    found = scan([offer(module, plugin, "digits"), ours])
    assert found.plugins["digits"] is digits.plugin
    assert "taken" in next(iter(found.broken.values())).reason
