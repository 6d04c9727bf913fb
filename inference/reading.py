"""How a result stands now: the model's findings, and what people have done to them."""

from __future__ import annotations

from inference.domain.reading import ReadFinding, Reading, finding_from_json
from inference.models import Finding, Result
from tenants.ids import encode


def reading_of(result: Result) -> Reading:
    """The result as it stands. Needs the tenant's scope."""
    rows = result.findings.order_by("position")
    return Reading(findings=tuple(read_finding(number, row) for number, row in enumerate(rows, start=1)))


def read_finding(number: int, row: Finding) -> ReadFinding:
    """One row of a finding as people see it."""
    found = finding_from_json(row.body)
    return ReadFinding(encode("fnd", row.id), number, found, machine=found)
