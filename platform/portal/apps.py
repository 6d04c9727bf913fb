"""The customers' web portal."""

from __future__ import annotations

from django.apps import AppConfig


class PortalConfig(AppConfig):
    """The app."""

    name = "portal"
