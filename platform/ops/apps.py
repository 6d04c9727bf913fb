"""Running it: up, demo, health, embedded Redis."""

from __future__ import annotations

from django.apps import AppConfig


class OpsConfig(AppConfig):
    """The app."""

    name = "ops"
