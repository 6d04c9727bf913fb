"""The models that this process has loaded. TensorFlow comes into it here, with the first job, never earlier."""

from __future__ import annotations

import math
from dataclasses import dataclass

from inference import registry
from inference.domain.errors import InternalError
from inference.plugins import registry as plugins
from inference.plugins.base import AnyPlugin
from inference.plugins.loading import load


class UnknownBucket(InternalError):
    """The bucket belongs to a model that is not in force here; the sweeper moves its jobs to the one that is."""

    code = "unknown_bucket"


@dataclass(slots=True)
class LoadedModel:
    """A plugin with the model of `bucket` in memory; `provenance` goes into every result.

    `seconds` is what the last batch took of it, unknown before the first.
    """

    bucket: str
    plugin: AnyPlugin
    provenance: dict[str, str]
    seconds: float = math.inf


# one model a plugin: the plugin is one object, so that a second load replaces the weights of the first
_in_memory: dict[str, LoadedModel] = {}


def loaded(bucket: str) -> LoadedModel:
    """The model of a bucket, loaded with its first job. Raises `UnknownBucket` and `ArtefactRefused`."""
    slug = bucket.partition(":")[0]
    model = _in_memory.get(slug)
    if model is None or model.bucket != bucket:
        model = _load(slug, bucket)
    return model


def forget() -> None:
    """Drop what is known to be loaded; the next job loads again."""
    _in_memory.clear()


def _load(slug: str, bucket: str) -> LoadedModel:
    plugin = plugins.installed().get(slug)
    if plugin is None or registry.bucket(plugin) != bucket:
        raise UnknownBucket(bucket)
    # a load that breaks half-way leaves nothing that could be taken for the old model
    _in_memory.pop(slug, None)
    found = load(plugin, registry.directory(registry.active(plugin)))
    provenance = {
        "plugin": slug, "version": plugin.manifest.version, "weights_sha256": registry.weights_sha256(found),
    }  # fmt: skip
    _in_memory[slug] = LoadedModel(bucket, plugin, provenance)
    return _in_memory[slug]
