"""The REST interface, version 1."""

from __future__ import annotations

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """The app."""

    name = "api"
