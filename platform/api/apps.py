"""The REST interface, version 1."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """The app."""

    name = "api"

    def ready(self) -> None:
        import_module("api.openapi")
