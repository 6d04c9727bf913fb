"""The JSON Schema of a report with outlined findings, filled in by each plugin with its types and sites."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

NUMBER = {"type": "number"}
POSITIVE = {"type": "number", "exclusiveMinimum": 0}
POSITIVE_OR_NULL = {"type": ["number", "null"], "exclusiveMinimum": 0}
MEASURES = {"type": "object", "additionalProperties": NUMBER}


def report_schema(slugs: Sequence[str], dimensions: int, spacing_sources: Sequence[str], score: str) -> dict[str, Any]:
    """The schema of a whole report; `score` says in one sentence what the score of a finding is."""
    finding = {
        "tracking_uid": {"type": "string", "pattern": r"^2\.25\.[0-9]+$"},
        "type": code_schema(slugs),
        "score": {"type": "number", "minimum": 0, "maximum": 1, "description": score},
        "location": location_schema(dimensions),
        "size": size_schema(dimensions, spacing_sources),
        "truncated": {"type": "boolean"},
        "contours": {"type": "array", "minItems": 1},
    }
    fields = {
        "status": {"enum": ["findings", "no_findings"]},
        "findings": {"type": "array", "items": required(finding)},
        "notes": {"type": "array", "items": {"type": "string"}},
        "measures": MEASURES,
    }
    return required(fields)


def required(properties: dict[str, Any]) -> dict[str, Any]:
    """An object in which all of these must be."""
    return {"type": "object", "properties": properties, "required": list(properties)}


def code_schema(slugs: Sequence[str]) -> dict[str, Any]:
    text = {"type": "string", "minLength": 1}
    return required({"code": text, "scheme": {"const": "SCT"}, "display": text, "slug": {"enum": list(slugs)}})


def location_schema(dimensions: int) -> dict[str, Any]:
    """Place in pixels always, in mm (LPS) where the header gives geometry."""
    site = required({
        "code": {"type": "string"}, "scheme": {"const": "SCT"}, "display": {"type": "string"},
        "laterality": {"enum": ["R", "L", "B", ""]},
    })  # fmt: skip
    return required({
        "site": {"anyOf": [site, {"type": "null"}]},
        "centroid_px": numbers(dimensions),
        "bbox_px": numbers(2 * dimensions),
        "centroid_mm": {"anyOf": [numbers(3), {"type": "null"}]},
        "bbox_mm": {"anyOf": [numbers(6), {"type": "null"}]},
        "instances": {"type": "array", "minItems": 1},
    })  # fmt: skip


def numbers(count: int) -> dict[str, Any]:
    return {"type": "array", "items": NUMBER, "minItems": count, "maxItems": count}


def size_schema(dimensions: int, spacing_sources: Sequence[str]) -> dict[str, Any]:
    """Axes in pixels always; in mm, mm2 and mm3 where the spacing is known."""
    millimetres = ("long_axis_mm", "short_axis_mm", "mean_diameter_mm", "area_mm2")
    return required({
        "long_axis_px": POSITIVE, "short_axis_px": POSITIVE,
        **dict.fromkeys(millimetres, POSITIVE_OR_NULL),
        "volume_mm3": POSITIVE_OR_NULL if dimensions == 3 else {"type": "null"},
        "spacing_source": {"enum": list(spacing_sources)},
    })  # fmt: skip
