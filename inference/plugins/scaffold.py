"""Writes a complete third-party plugin package: the templates beside this file, a trained model, a signature."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from string import Template

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from inference.artefacts import sign
from inference.domain.errors import UserError
from inference.plugins import registry
from inference.plugins.base import AnyPlugin, TrainingOptions
from inference.plugins.loading import shipped_artefacts
from inference.plugins.manifests import SLUG

TEMPLATES = Path(__file__).parent / "template"
SUFFIX = ".txt"
PACKAGE_FOLDER = "package"
PREFIX = "assay"


class BadName(UserError):
    """The name can not be a plugin's slug."""

    code = "bad_plugin_name"
    template = "A plugin's name is lower-case words joined by hyphens, such as light-or-dark; %(name)s is not."


class NameTaken(UserError):
    """An installed plugin has the name: of the two only one would be seen."""

    code = "plugin_name_taken"
    template = "A plugin named %(name)s is installed already; nothing was written."


class FolderTaken(UserError):
    """The target exists."""

    code = "folder_taken"
    template = "%(folder)s exists already; nothing was written."


def write_plugin(slug: str, parent: Path, key: Ed25519PrivateKey) -> Path:
    """Write the package into a new folder of `parent`, train its model and sign it; returns the folder.

    Raises `BadName`, `NameTaken` or `FolderTaken`.
    """
    if not SLUG.fullmatch(slug):
        raise BadName(name=slug)
    if slug in registry.installed():
        raise NameTaken(name=slug)
    root = parent / f"{PREFIX}_{slug.replace('-', '_')}"
    if root.exists():
        raise FolderTaken(folder=str(root))
    write_templates(slug, root)
    train_and_sign(root, key)
    return root


def write_templates(slug: str, root: Path) -> None:
    """Every template with the plugin's names filled in."""
    names = {"slug": slug, "package": root.name, "distribution": root.name.replace("_", "-")}
    for source in sorted(TEMPLATES.rglob(f"*{SUFFIX}")):
        parts = source.relative_to(TEMPLATES).with_suffix("").parts
        target = root.joinpath(*(root.name if part == PACKAGE_FOLDER else part for part in parts))
        target.parent.mkdir(parents=True, exist_ok=True)
        text = Template(source.read_text(encoding="utf-8")).substitute(names)
        target.write_text(text, encoding="utf-8")


def train_and_sign(root: Path, key: Ed25519PrivateKey) -> None:
    """Train the new plugin with its own code, and sign what it wrote into its package."""
    with importable(root):
        plugin: AnyPlugin = importlib.import_module(root.name).plugin
        out = shipped_artefacts(plugin)
        plugin.train(TrainingOptions(out))
    sign(out, plugin.manifest.slug, plugin.manifest.version, key)


@contextmanager
def importable(folder: Path) -> Iterator[None]:
    """The package of this name in the folder can be imported while the block runs, and leaves no trace after."""
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in [name for name in sys.modules if name.partition(".")[0] == folder.name]:
            del sys.modules[name]
