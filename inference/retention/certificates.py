"""The certificate of a deletion: the event itself in the tenant's hash chain, told as JSON.

It says what was deleted, how many bytes, when, by whom and by which rule. UIDs stand in it as HMACs under the tenant's
data key: who knows a UID and may use the key can show that it is meant, nobody can read one off.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from inference.models import RetentionKind
from tenants import audit, datakeys
from tenants.models import AuditEvent
from tenants.querysets import TenantQuerySet

PURPOSE = "deletion certificates"
BY_HAND = "request"
ACTIONS = {
    RetentionKind.STUDIES: "study.deleted",
    RetentionKind.RESULTS: "result.deleted",
    RetentionKind.ARTIFACTS: "artifacts.deleted",
    RetentionKind.INPUTS: "input.deleted",
}


@dataclass(frozen=True, slots=True)
class Deleted:
    """What went. `subject` is the public id, `rule` what asked for it: "request" or for example "studies:30d"."""

    kind: RetentionKind
    subject: str
    files: int
    bytes: int
    rule: str = BY_HAND
    study_uid: str = ""
    instance_uids: tuple[str, ...] = ()


def issue(tenant_id: UUID, deleted: Deleted, *, actor: str) -> AuditEvent:
    """Write the certificate into the chain, in the transaction of the deletion.

    A data key that can not be opened keeps nothing from being deleted: the UIDs are left out then.
    """
    key = key_of(tenant_id)
    return audit.record(
        ACTIONS[deleted.kind],
        tenant_id=tenant_id,
        actor=actor,
        subject=deleted.subject,
        files=deleted.files,
        bytes=deleted.bytes,
        rule=deleted.rule,
        study_uid_hmac=hmac_of(key, [deleted.study_uid] if deleted.study_uid else []),
        instance_uids_hmac=hmac_of(key, deleted.instance_uids),
    )


def key_of(tenant_id: UUID) -> bytes:
    """The key of the HMACs, empty where it can not be had."""
    try:
        return datakeys.of(tenant_id).derived(PURPOSE)
    except datakeys.MasterKeyMissing:
        return b""


def hmac_of(key: bytes, uids: Iterable[str]) -> str:
    """One HMAC-SHA256 over the UIDs in their order by text; empty for none."""
    listed = sorted(uids)
    return hmac.digest(key, "\n".join(listed).encode(), hashlib.sha256).hex() if listed and key else ""


def all_of(tenant_id: UUID) -> TenantQuerySet[AuditEvent]:
    """The tenant's certificates, the newest first."""
    rows: TenantQuerySet[AuditEvent] = AuditEvent.objects.for_tenant(tenant_id)
    return rows.filter(action__in=ACTIONS.values(), detail__has_key="rule").order_by("-sequence")


def of_subject(tenant_id: UUID, subject: str) -> AuditEvent | None:
    """The certificate of a thing that is gone."""
    return all_of(tenant_id).filter(subject=subject).first()


def as_json(event: AuditEvent) -> dict[str, Any]:
    """The certificate as it is handed out; `chain` ties it to the events before and after it."""
    return {
        "object": "deletion_certificate",
        "deleted": event.subject,
        "what": event.action.removesuffix(".deleted"),
        "actor": event.actor,
        "deleted_at": event.at.isoformat(),
        **event.detail,
        "chain": {"sequence": event.sequence, "previous_hash": event.previous_hash, "hash": event.hash},
    }
