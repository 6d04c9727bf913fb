"""A web process, a migration or a command never loads TensorFlow: that import alone takes seconds."""

from __future__ import annotations

import functools
import os
import pkgutil
from importlib import import_module

import django
import pytest

import api
import billing
import config
import inference
import ops
import portal
import tenants
from inference.plugins import registry
from inference.plugins.contract import heavy_imports

pytestmark = pytest.mark.database_free
PACKAGES = (config, ops, api, portal, inference, billing, tenants)


def import_everything() -> None:
    """Every module of ours, as far as Django lets modules be imported outside of a server."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    for package in PACKAGES:
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            import_module(module.name)
    assert registry.installed()


def test_no_module_of_ours_and_no_installed_plugin_imports_a_model_library() -> None:
    assert heavy_imports(import_everything) == []


def test_the_guard_sees_a_module_that_imports_one() -> None:
    assert heavy_imports(functools.partial(import_module, "colorsys"), heavy=["colorsys"]) == ["colorsys"]


def test_the_guard_does_not_take_a_failed_import_for_a_clean_one() -> None:
    with pytest.raises(AssertionError, match="no_such_module"):
        heavy_imports(functools.partial(import_module, "no_such_module"))
