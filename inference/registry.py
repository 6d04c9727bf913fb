"""The model registry: which signed model of each plugin is in force."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import structlog
from django.db import transaction

from inference.artefacts import ArtefactRefused, VerifiedArtefacts
from inference.models import ModelState, ModelVersion
from inference.plugins import registry as plugins
from inference.plugins.base import AnyPlugin
from inference.plugins.loading import verified_artefacts
from tenants import audit

CARD = "card.json"
NO_WEIGHTS = "0" * 64

log = structlog.get_logger(__name__)


def sync() -> list[ModelVersion]:
    """Register the models that the installed plugins ship; a new one takes over from an older shipped one.

    A model that the operator trained and activated stays in force. Safe to run again.
    """
    return [version for plugin in plugins.installed().values() if (version := _register(plugin))]


def active(plugin: AnyPlugin) -> ModelVersion | None:
    """The model in force for a plugin."""
    return ModelVersion.objects.filter(plugin=plugin.manifest.slug, state=ModelState.ACTIVE).first()


def bucket(plugin: AnyPlugin) -> str:
    """Jobs of one bucket can share a batch: the same plugin, version and weights."""
    version = active(plugin)
    weights = version.weights_sha256 if version else NO_WEIGHTS
    return f"{plugin.manifest.slug}:{plugin.manifest.version}:{weights[:12]}"


def directory(version: ModelVersion | None) -> Path | None:
    """Where the artefacts of an own training lie; None for those that the plugin ships."""
    return Path(version.directory) if version and version.directory else None


def activate(version: ModelVersion, *, actor: str = "operator:setup") -> None:
    """Put one version in force; the one before is retired. In one transaction, so that there is always one."""
    with transaction.atomic():
        ModelVersion.objects.filter(plugin=version.plugin, state=ModelState.ACTIVE).update(state=ModelState.RETIRED)
        ModelVersion.objects.filter(pk=version.pk).update(state=ModelState.ACTIVE)
        facts = {"plugin": version.plugin, "weights_sha256": version.weights_sha256}
        audit.record("model.activated", tenant_id=None, actor=actor, subject=str(version.pk), **facts)


def weights_sha256(found: VerifiedArtefacts) -> str:
    """The digest that stands for the model: its weights' file, else the first file; zeros for a plugin without."""
    weights = [file.sha256 for file in found.files if file.name.endswith((".keras", ".safetensors"))]
    return (weights or [file.sha256 for file in found.files] or [NO_WEIGHTS])[0]


def _register(plugin: AnyPlugin) -> ModelVersion | None:
    try:
        found = verified_artefacts(plugin)
    except ArtefactRefused as error:
        log.error("the shipped model is refused", plugin=plugin.manifest.slug, reason=str(error))
        return None
    version, _ = ModelVersion.objects.get_or_create(
        plugin=plugin.manifest.slug,
        version=plugin.manifest.version,
        weights_sha256=weights_sha256(found),
        defaults={"card": _card(found.directory)},
    )
    ruling = active(plugin)
    if ruling is None or (not ruling.directory and ruling != version):
        activate(version)
    return version


def _card(directory: Path) -> dict[str, Any]:
    path = directory / CARD
    card: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return card
