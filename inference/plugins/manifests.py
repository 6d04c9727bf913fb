"""What every manifest must satisfy before its plugin is offered to anybody."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator, SchemaError

from inference.artefacts import ALLOWED_SUFFIXES, PLAIN_NAME
from inference.plugins.base import InputPort, Manifest, Text

SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
SLUG_LIMIT = 64
# semver.org, item 2, 9 and 10: three numbers without leading zeros, then pre-release and build
NUMBER, WORDS = r"(0|[1-9]\d*)", r"[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*"
SEMVER = re.compile(rf"{NUMBER}\.{NUMBER}\.{NUMBER}(-{WORDS})?(\+{WORDS})?")
HAN = re.compile(r"[\u4e00-\u9fff]")
LATIN = re.compile(r"[A-Za-z]")
TEXTS = ("title", "description", "intended_use", "disclaimer")


def manifest_faults(manifest: Manifest) -> list[str]:
    """What is wrong with a manifest, one sentence per fault; empty when nothing is."""
    return [
        *_identity_faults(manifest),
        *(fault for name in TEXTS for fault in _text_faults(name, getattr(manifest, name))),
        *_schema_faults("output_schema", manifest.output_schema),
        *_schema_faults("params_schema", manifest.params_schema),
        *_port_faults(manifest.inputs),
        *_limit_faults(manifest),
        *_artefact_faults(manifest),
        *_type_faults(manifest),
    ]


def _identity_faults(manifest: Manifest) -> Iterator[str]:
    if not SLUG.fullmatch(manifest.slug) or len(manifest.slug) > SLUG_LIMIT:
        yield f"slug {manifest.slug!r} is not lower-case words joined by hyphens, at most {SLUG_LIMIT} characters"
    if not SEMVER.fullmatch(manifest.version):
        yield f"version {manifest.version!r} is not a semantic version"


def _text_faults(name: str, text: Text) -> Iterator[str]:
    if not LATIN.search(text.en):
        yield f"{name} has no English text"
    if not HAN.search(text.zh_hans):
        yield f"{name} has no Chinese text"


def _schema_faults(name: str, schema: Mapping[str, Any]) -> Iterator[str]:
    if schema.get("type") != "object":
        yield f"{name} does not describe an object"
    try:
        Draft202012Validator.check_schema(dict(schema))
    except SchemaError as error:
        yield f"{name} is not a JSON Schema: {error.message}"


def _port_faults(ports: tuple[InputPort, ...]) -> Iterator[str]:
    if not ports:
        yield "no input is declared"
    if len({port.name for port in ports}) != len(ports):
        yield "two inputs have the same name"
    for port in ports:
        if not 0 < port.min_items <= port.max_items:
            yield f"input {port.name}: min_items and max_items do not make a range"
        if not port.media_types:
            yield f"input {port.name}: no media type is declared"


def _limit_faults(manifest: Manifest) -> Iterator[str]:
    if min(manifest.resources.memory_mb, manifest.resources.deadline_seconds) <= 0:
        yield "resources must be positive"
    if manifest.batching.max_items < 1 or manifest.batching.max_wait_ms < 0:
        yield "batching needs max_items of at least 1 and no negative wait"


def _artefact_faults(manifest: Manifest) -> Iterator[str]:
    for artefact in manifest.artefacts:
        if not PLAIN_NAME.fullmatch(artefact.name) or "." + artefact.name.rpartition(".")[2] not in ALLOWED_SUFFIXES:
            yield f"artefact {artefact.name!r} is not a plain name of an allowed format"


def _type_faults(manifest: Manifest) -> Iterator[str]:
    slugs = [code.slug for code in manifest.finding_types]
    if len(set(slugs)) != len(slugs) or not all(slugs):
        yield "the finding types do not have a slug of their own each"
