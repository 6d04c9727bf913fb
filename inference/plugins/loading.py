"""From a plugin to its loaded model: find the artefacts, check them, and only then let the plugin read them."""

from __future__ import annotations

import inspect
import os
from pathlib import Path

from django.conf import settings

from inference.artefacts import ArtefactRefused, VerifiedArtefacts, verify
from inference.keys import TrustedKeys, trusted_keys
from inference.plugins.base import AnyPlugin

SHIPPED_FOLDER = "artefacts"


def shipped_artefacts(plugin: AnyPlugin) -> Path:
    """The folder of artefacts that came with the plugin's package."""
    return Path(inspect.getfile(type(plugin))).parent / SHIPPED_FOLDER


def models_folder(slug: str, version: str) -> Path:
    """Where this installation keeps the models that it trained itself."""
    return Path(settings.ASSAY_DATA_DIR) / "models" / slug / version


def artefact_directory(plugin: AnyPlugin, trained: Path | None = None) -> Path:
    """The folder to load from: `trained` where the model registry chose one, else what came with the plugin."""
    return trained if trained is not None else shipped_artefacts(plugin)


def installation_trust() -> TrustedKeys:
    """The release keys, this installation's key and the makers' keys that its operator listed."""
    return trusted_keys(Path(settings.ASSAY_DATA_DIR))


def verified_artefacts(
    plugin: AnyPlugin, trained: Path | None = None, trusted: TrustedKeys | None = None
) -> VerifiedArtefacts:
    """Check the plugin's artefacts without loading them. Raises `ArtefactRefused`.

    A plugin that declares none has none to check: its `files` are empty.
    """
    manifest = plugin.manifest
    directory = artefact_directory(plugin, trained)
    if not manifest.artefacts:
        return VerifiedArtefacts(directory, manifest.slug, manifest.version, (), "")
    found = verify(directory, manifest.slug, manifest.version, installation_trust() if trusted is None else trusted)
    missing = {artefact.name for artefact in manifest.artefacts} - {file.name for file in found.files}
    if missing:
        raise ArtefactRefused(f"declared but not signed: {', '.join(sorted(missing))}")
    return found


def load(plugin: AnyPlugin, trained: Path | None = None) -> VerifiedArtefacts:
    """Check the artefacts, then load the model into this process. Raises `ArtefactRefused`."""
    found = verified_artefacts(plugin, trained)
    limit_threads()
    plugin.load(found.directory)
    return found


def limit_threads() -> None:
    """Tell TensorFlow, before it is imported, how many threads one process may use; what is set already stays."""
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(name, str(settings.ASSAY_TENSORFLOW_THREADS))
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
