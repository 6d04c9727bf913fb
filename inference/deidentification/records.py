"""What is kept of a de-identification: the report of the study, the sealed way back, and the hold on it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.utils import timezone

from inference.deidentification.instruction import Instruction
from inference.deidentification.profile import NAME, VERSION
from inference.deidentification.told import Deidentified
from inference.intake.inspection import Inspection
from inference.models import (
    BurnedInPolicy,
    Crosswalk,
    CrosswalkEntry,
    Deidentification,
    Hold,
    Instance,
    PrivacyRule,
    Study,
)
from tenants import audit
from tenants.ids import encode

Stored = tuple[Instance, Inspection]
INTAKE = "intake"


def write(study: Study, rule: PrivacyRule, instruction: Instruction | None, stored: Sequence[Stored]) -> None:
    """Note what was done to the files that are new to the study, in the transaction that stores their rows."""
    done = [(instance, found.deidentified) for instance, found in stored if found.deidentified]
    if instruction is not None and done:
        write_report(study, rule, [work for _, work in done])
        write_crosswalk(study, instruction, done)
    signs = sorted({sign for _, found in stored for sign in found.risks})
    if signs and rule.burned_in == BurnedInPolicy.HOLD:
        hold(study, signs)


def write_report(study: Study, rule: PrivacyRule, works: Sequence[Deidentified]) -> None:
    """Add the counts of these files to the study's."""
    report, _ = Deidentification.objects.for_tenant(study.tenant_id).get_or_create(
        tenant_id=study.tenant_id, study=study, defaults={"mode": rule.mode, "profile": f"{NAME} {VERSION}"}
    )
    report.mode, report.profile = rule.mode, f"{NAME} {VERSION}"
    report.files += len(works)
    report.private += sum(work.private for work in works)
    report.unknown += sum(work.unknown for work in works)
    report.counts = added(report.counts, works)
    report.updated_at = timezone.now()
    report.save()
    subject = encode("std", study.id)
    audit.record(
        "study.deidentified", tenant_id=study.tenant_id, actor=INTAKE, subject=subject, files=len(works),
        mode=rule.mode, profile=report.profile,
    )  # fmt: skip


def added(counts: dict[str, dict[str, int]], works: Iterable[Deidentified]) -> dict[str, dict[str, int]]:
    """`counts` and those of `works` by action and keyword."""
    total = {action: dict(by_keyword) for action, by_keyword in counts.items()}
    for work in works:
        for action, by_keyword in work.counts.items():
            into = total.setdefault(action, {})
            for keyword, count in by_keyword.items():
                into[keyword] = into.get(keyword, 0) + count
    return {action: by_keyword for action, by_keyword in total.items() if by_keyword}


def write_crosswalk(study: Study, instruction: Instruction, done: Sequence[tuple[Instance, Deidentified]]) -> None:
    """Keep the seals, where the rule makes any; the patient module is that of the first file that came."""
    sealed = [(instance, work) for instance, work in done if work.sealed_study]
    if not sealed:
        return
    crosswalk, _ = Crosswalk.objects.for_tenant(study.tenant_id).get_or_create(
        tenant_id=study.tenant_id,
        study=study,
        defaults={"key_id": instruction.key_id, "sealed": sealed[0][1].sealed_study},
    )
    entries = [
        CrosswalkEntry(tenant_id=study.tenant_id, crosswalk=crosswalk, instance=instance, sealed=work.sealed_file)
        for instance, work in sealed
    ]
    CrosswalkEntry.objects.bulk_create(entries, batch_size=500)


def hold(study: Study, signs: Sequence[str]) -> None:
    """Let no job run on the study until a person has looked; a study that was released is held again."""
    held, is_new = Hold.objects.for_tenant(study.tenant_id).get_or_create(
        tenant_id=study.tenant_id, study=study, defaults={"signs": list(signs)}
    )
    if not is_new:
        held.signs = sorted({*held.signs, *signs})
        held.held_at, held.released_at, held.released_by = timezone.now(), None, ""
        held.save()
    subject = encode("std", study.id)
    audit.record("study.held", tenant_id=study.tenant_id, actor=INTAKE, subject=subject, signs=held.signs)
