"""The one road of a study into the system: spool, inspect and de-identify by the tenant's rule, group, store, rows.

The REST API, the portal and every later door call `receive`; nothing else writes studies.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from inference.deidentification import holds, rules
from inference.intake import configured, storage
from inference.intake.codes import request_refusal
from inference.intake.examine import examine_all
from inference.intake.group import Group, group
from inference.intake.outcome import FileOutcome, NothingTaken, outcomes
from inference.intake.rows import DESCRIPTION_CHARS, Privacy, mark_conflicts, mark_known, write_rows
from inference.intake.spool import Arrival, Spool, printable
from inference.models import Study
from tenants.context import tenant_context
from tenants.models import Tenant


@dataclass(frozen=True, slots=True)
class Reception:
    """The study and what became of each file, in the order in which they came; archives count as their files."""

    study: Study
    files: tuple[FileOutcome, ...]


def receive(
    tenant: Tenant,
    files: Iterable[tuple[str, BinaryIO]],
    *,
    description: str = "",
    metadata: Mapping[str, Any] | None = None,
) -> Reception:
    """Take the files of one request into the system as one study of `tenant`.

    `files` are the customer's names with binary file objects; memory does not grow with their sizes. Call it outside of
    a transaction: reading and storing take long. Raises `NothingTaken` when no file is good, another `UserError` when
    the request as a whole is refused (`no_files`, `too_many_files`); in both cases nothing is kept.
    """
    pool = configured.pool()
    with Spool(pool, configured.spool_directory()) as spool:
        for name, file in files:
            spool.add(name, file)
        if not spool.arrivals:
            raise request_refusal("no_files")
        privacy = privacy_of(tenant)
        examine_all(pool, spool.arrivals, privacy.instruction)
        holds.refuse_risky(privacy.rule, spool.arrivals)
        chosen = admit(tenant, spool.arrivals)
        store_blobs(tenant, chosen)
        study = write_rows(tenant, chosen, printable(description)[:DESCRIPTION_CHARS], metadata or {}, privacy)
        # what a deletion of the same bytes took away before the rows said that they are needed
        store_blobs(tenant, chosen)
        return Reception(study, outcomes(spool.arrivals))


def privacy_of(tenant: Tenant) -> Privacy:
    """The rule by which the files of this request are taken, whoever changes it meanwhile."""
    with tenant_context(tenant.id):
        rule = rules.of(tenant.id)
        return Privacy(rule, rules.instruction(rule))


def admit(tenant: Tenant, arrivals: Sequence[Arrival]) -> Group:
    """The study that the good files make. Raises `NothingTaken` when there is none."""
    with tenant_context(tenant.id):
        # first: a file that can not be taken must not decide which study the others make
        mark_conflicts(tenant, arrivals)
        chosen = group(arrivals)
        if chosen is not None:
            mark_known(tenant, chosen)
    if chosen is None or not any(arrival.is_good for arrival in chosen.arrivals):
        raise NothingTaken(outcomes(arrivals))
    return chosen


def store_blobs(tenant: Tenant, chosen: Group) -> None:
    """Store the bytes of every good file, known ones too: a blob that got lost is whole again after this."""
    for arrival in chosen.arrivals:
        if arrival.is_good:
            with arrival.path.open("rb") as file:
                storage.put(tenant.id, arrival.sha256, file)
