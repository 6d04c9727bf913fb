"""What is done: studies, jobs, results, the engine, the model registry, the plugins."""

from __future__ import annotations

from django.apps import AppConfig


class InferenceConfig(AppConfig):
    """The app."""

    name = "inference"
    default_auto_field = "django.db.models.BigAutoField"
