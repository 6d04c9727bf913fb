"""The tenant's rule: what is done to files as they come in, and who changed it.

The default keeps files as they come. A PACS asks for what it stored by the UIDs that it sent, and the contract gives
`study_uid` back as it was: a rule that nobody chose would break both, and what is taken out at intake can not be put
back by switching it off. Whoever answers for the patients' data chooses.
"""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from inference.deidentification.instruction import Instruction
from inference.models import BurnedInPolicy, DeidentificationMode, PrivacyRule
from tenants import audit, datakeys

PSEUDONYMS = "pseudonyms"
CROSSWALK = "crosswalk"


def of(tenant_id: UUID) -> PrivacyRule:
    """The tenant's rule, the default where it has none; not saved by this."""
    found: PrivacyRule | None = PrivacyRule.objects.for_tenant(tenant_id).first()
    return found or PrivacyRule(tenant_id=tenant_id)


def change(tenant_id: UUID, *, mode: DeidentificationMode, burned_in: BurnedInPolicy, actor: str) -> PrivacyRule:
    """Set the rule for files that come from now on; what is stored stays as it is. Audited."""
    with transaction.atomic():
        rule: PrivacyRule
        rule, _ = PrivacyRule.objects.for_tenant(tenant_id).update_or_create(
            tenant_id=tenant_id,
            defaults={"mode": mode.value, "burned_in": burned_in.value, "updated_at": timezone.now()},
        )
        audit.record(
            "privacy.rule_changed", tenant_id=tenant_id, actor=actor, mode=mode.value, burned_in=burned_in.value
        )
    return rule


def instruction(rule: PrivacyRule) -> Instruction | None:
    """What the child is told; None where files are kept as they come. Needs the tenant's scope."""
    if rule.mode == DeidentificationMode.OFF:
        return None
    secret = datakeys.of(rule.tenant_id)
    return Instruction(
        mode="pseudonymise" if rule.mode == DeidentificationMode.PSEUDONYMISE else "anonymise",
        tenant=rule.tenant_id.hex,
        key_id=secret.id,
        pseudonym_key=secret.derived(PSEUDONYMS),
        seal_key=secret.derived(CROSSWALK),
    )
