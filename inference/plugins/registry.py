"""Which plugins are installed: every entry point of the group `assay.plugins` that holds what it promises.

A plugin that can not be imported or declares nonsense is listed as broken with the reason; the others serve on.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType

from inference.domain.errors import UserError
from inference.plugins.base import AnyPlugin, Plugin
from inference.plugins.manifests import manifest_faults

GROUP = "assay.plugins"
OWN_DISTRIBUTION = "assay"

logger = logging.getLogger(__name__)


class UnknownPlugin(UserError):
    """No plugin of this name is installed, or it is broken."""

    code = "unknown_plugin"
    template = "There is no analysis named %(plugin)s."


@dataclass(frozen=True, slots=True)
class Broken:
    """An entry point that gave no usable plugin."""

    slug: str
    distribution: str
    reason: str


@dataclass(frozen=True, slots=True)
class Scan:
    """What one look at the environment found; both by slug."""

    plugins: Mapping[str, AnyPlugin]
    broken: Mapping[str, Broken]


class UnusablePlugin(Exception):
    """An entry point names something that is no valid plugin."""


def installed() -> Mapping[str, AnyPlugin]:
    """The usable plugins by slug. Read once per process."""
    return _scan().plugins


def broken() -> Mapping[str, Broken]:
    """The unusable ones by the name of their entry point, each with its reason."""
    return _scan().broken


def get(slug: str) -> AnyPlugin:
    """The plugin of that slug. Raises `UnknownPlugin`."""
    try:
        return installed()[slug]
    except KeyError:
        raise UnknownPlugin(plugin=slug) from None


def forget() -> None:
    """Look again on the next question: for a process that changed its own `sys.path`."""
    _scan.cache_clear()


@functools.cache
def _scan() -> Scan:
    return scan(entry_points(group=GROUP))


def scan(found: Iterable[EntryPoint]) -> Scan:
    """Open each entry point. Where two claim one slug, ours comes first, then the distribution's name decides."""
    plugins: dict[str, AnyPlugin] = {}
    faulty: dict[str, Broken] = {}
    for point in sorted(found, key=_precedence):
        name, owner = point.name, distribution_name(point)
        try:
            if name in plugins:
                raise UnusablePlugin(f"the name {name} is taken by another package")
            plugins[name] = _open(point)
        # whatever a stranger's module raises while it is imported, this process serves on with the other plugins
        except (Exception, SystemExit) as error:
            reason = f"{type(error).__name__}: {error}"
            logger.warning("plugin %s of %s is broken: %s", name, owner, reason)
            logger.debug("traceback of the broken plugin %s", name, exc_info=True)
            faulty[name if name not in plugins else f"{name} ({owner})"] = Broken(name, owner, reason)
    return Scan(MappingProxyType(plugins), MappingProxyType(faulty))


def distribution_name(point: EntryPoint) -> str:
    """The package that an entry point comes from; empty when it is not known."""
    return point.dist.name if point.dist else ""


def _precedence(point: EntryPoint) -> tuple[bool, str, str]:
    owner = distribution_name(point)
    return (owner != OWN_DISTRIBUTION, owner, point.name)


def _open(point: EntryPoint) -> AnyPlugin:
    plugin = point.load()
    if not isinstance(plugin, Plugin):
        raise UnusablePlugin(f"{point.value} is a {type(plugin).__name__}, not an instance of Plugin")
    if plugin.manifest.slug != point.name:
        raise UnusablePlugin(f"the entry point is named {point.name}, its plugin {plugin.manifest.slug}")
    faults = manifest_faults(plugin.manifest)
    if faults:
        raise UnusablePlugin("; ".join(faults))
    return plugin
