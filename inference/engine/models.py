"""The models that this process has loaded. TensorFlow comes into it here, with the first job, never earlier."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from inference import registry
from inference.domain.errors import InternalError
from inference.plugins import registry as plugins
from inference.plugins.base import AnyPlugin
from inference.plugins.loading import load


class UnknownBucket(InternalError):
    """The bucket belongs to a model that is not in force here; the sweeper moves its jobs to the one that is."""

    code = "unknown_bucket"


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A plugin with its model in memory; `provenance` goes into every result."""

    plugin: AnyPlugin
    provenance: dict[str, str]


@lru_cache(maxsize=8)
def loaded(bucket: str) -> LoadedModel:
    """Load the model of a bucket, once per process. Raises `UnknownBucket` and `ArtefactRefused`."""
    slug = bucket.partition(":")[0]
    plugin = plugins.installed().get(slug)
    if plugin is None or registry.bucket(plugin) != bucket:
        raise UnknownBucket(bucket)
    found = load(plugin, registry.directory(registry.active(plugin)))
    provenance = {
        "plugin": slug, "version": plugin.manifest.version, "weights_sha256": registry.weights_sha256(found),
    }  # fmt: skip
    return LoadedModel(plugin, provenance)
