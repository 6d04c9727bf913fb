"""Acts of review."""

from __future__ import annotations

from api.v1.shapes.values import Json, instant
from inference.models import Review
from inference.reading import name_of
from tenants.ids import encode


def review(row: Review) -> Json:
    """One act: what was done to which finding, by whom; `finding` is null for a conclusion."""
    return {
        "id": encode("rev", row.id),
        "object": "review",
        "result": encode("res", row.result_id),
        "finding": encode("fnd", row.finding_id) if row.finding_id else None,
        "act": row.act,
        "text": row.text,
        "reviewer": name_of(row.reviewer, row.actor),
        "version": row.sequence,
        "created_at": instant(row.at),
    }


def listed(rows: list[Review]) -> list[Json]:
    """A page of acts."""
    return [review(row) for row in rows]
