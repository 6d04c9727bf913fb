"""People and results: what each act does, what is refused, and what is left behind."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from inference import learning, review
from inference.domain import reviewing
from inference.domain.editing import NothingChanged
from inference.domain.placing import OutlineInvalid
from inference.models import Addendum, LabelledExample, Review, Signature
from inference.review import PersonNeeded, ResultChanged, Reviewer, ReviewerNeeded
from tenants import audit
from tenants.context import operator_context, tenant_context
from tenants.models import AuditEvent, Role
from tests.conftest import Party
from tests.inference.work import MASS
from tests.reviewing import Ward, make_ward, person

pytestmark = pytest.mark.django_db
REASON = "a rib of Mr. Smith"


@pytest.fixture
def ward(clinic: Party) -> Ward:
    return make_ward(clinic)


def test_nobody_has_looked_at_a_fresh_result(ward: Ward) -> None:
    (found,) = ward.reading().findings
    assert (found.status, found.reviewer, found.machine) == ("unreviewed", "", found.finding)
    assert (ward.reading().version, ward.reading().revision) == (0, 0)


def test_an_accepted_finding_stands_as_the_model_told_it(ward: Ward) -> None:
    ward.judge("accepted")
    (found,) = ward.reading().findings
    assert (found.status, found.reviewer, found.finding) == ("accepted", "Grey", found.machine)


def test_a_rejection_needs_a_reason(ward: Ward) -> None:
    with pytest.raises(reviewing.ReasonNeeded):
        ward.judge("rejected", "  ")
    ward.judge("rejected", REASON)
    assert ward.reading().findings[0].reason == REASON
    assert ward.reading().standing == ()


def test_a_resized_finding_has_the_size_of_its_new_box_and_keeps_what_the_model_said(ward: Ward) -> None:
    ward.judge("edited", bbox=(2, 2, 10, 6))
    (found,) = ward.reading().findings
    assert found.machine is not None
    assert (found.status, found.finding.location.bbox_px) == ("edited", (2, 2, 10, 6))
    assert (found.finding.size.long_axis_px, found.finding.size.short_axis_px) == (8, 4)
    assert found.machine.location.bbox_px == (0, 0, 3, 3)


def test_a_finding_gets_another_type_of_the_analysis(ward: Ward) -> None:
    ward.judge("edited", type=MASS)
    assert ward.reading().findings[0].finding.type == MASS


def test_an_edit_that_changes_nothing_is_refused(ward: Ward) -> None:
    with pytest.raises(NothingChanged):
        ward.judge("edited")


def test_what_is_withdrawn_is_as_it_was(ward: Ward) -> None:
    ward.judge("edited", type=MASS)
    ward.judge("withdrawn")
    (found,) = ward.reading().findings
    assert (found.status, found.finding) == ("unreviewed", found.machine)


def test_an_added_finding_has_no_machine_and_goes_when_it_is_withdrawn(ward: Ward) -> None:
    ward.add()
    added = ward.reading().findings[1]
    assert (added.number, added.status, added.machine) == (2, "added", None)
    assert added.finding.size.long_axis_px == 6
    ward.judge("edited", place=1, bbox=(4, 4, 12, 8))
    assert ward.reading().findings[1].status == "added"
    ward.judge("withdrawn", place=1)
    assert len(ward.reading().findings) == 1
    with pytest.raises(reviewing.ActNotAllowed):
        ward.judge("edited", place=1, bbox=(4, 4, 13, 8))


def test_a_box_outside_of_the_image_is_refused(ward: Ward) -> None:
    for box in ((10, 10, 17, 12), (-1, 0, 4, 4), (5, 5, 5.5, 9), (float("nan"), 0, 4, 4)):
        with pytest.raises(OutlineInvalid):
            ward.judge("edited", bbox=box)


def test_a_result_is_signed_only_when_every_finding_was_looked_at(ward: Ward) -> None:
    with pytest.raises(reviewing.FindingsUnreviewed):
        ward.sign()
    ward.judge("accepted")
    ward.sign()
    assert ward.reading().signature is not None
    assert ward.reading().revision == 1


@pytest.fixture
def signed(ward: Ward) -> Ward:
    ward.judge("accepted")
    ward.conclude("No sign of disease.")
    ward.sign()
    return ward


def test_after_the_signature_only_addenda_are_written(signed: Ward) -> None:
    before = signed.reading()
    for act in (
        lambda: signed.judge("rejected", REASON),
        signed.add,
        lambda: signed.conclude("Other"),
        signed.sign,
    ):
        with pytest.raises(reviewing.ResultSigned):
            act()
    assert signed.reading() == before
    signed.append("The left side too.")
    after = signed.reading()
    assert [(one.author, one.text) for one in after.addenda] == [("Grey", "The left side too.")]
    assert (after.revision, after.version) == (before.revision + 1, before.version + 1)


def test_an_addendum_before_the_signature_is_refused(ward: Ward) -> None:
    with pytest.raises(reviewing.ResultNotSigned):
        ward.append("Too early.")


def test_an_empty_addendum_is_refused(signed: Ward) -> None:
    with pytest.raises(reviewing.TextNeeded):
        signed.append("  ")


def write_past_the_rules(ward: Ward) -> None:
    """An act on the result, written as no service would."""
    with tenant_context(ward.tenant.id):
        Review.objects.create(
            tenant=ward.tenant, result=ward.result(), finding=ward.finding(), sequence=90, act="rejected", actor="x"
        )


def test_the_database_itself_refuses_acts_on_a_signed_result(signed: Ward) -> None:
    with pytest.raises(DatabaseError, match="closed"), transaction.atomic():
        write_past_the_rules(signed)


def test_control_without_the_guard_the_act_is_written(signed: Ward) -> None:
    on = " ON inference_review" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"DROP TRIGGER inference_review_closed{on}")
    write_past_the_rules(signed)
    assert signed.reading().findings[0].status == "rejected"


def test_the_database_refuses_an_addendum_without_a_signature(ward: Ward) -> None:
    with pytest.raises(DatabaseError, match="closed"), transaction.atomic(), tenant_context(ward.tenant.id):
        Addendum.objects.create(
            tenant=ward.tenant, result=ward.result(), number=1, text="x", author="x", user=ward.reviewer
        )


@pytest.mark.parametrize("model", [Review, Signature, Addendum])
def test_history_is_neither_changed_nor_deleted(signed: Ward, model: Any) -> None:
    signed.append("More.")
    for change in (lambda rows: rows.update(at="2030-01-01T00:00:00Z"), lambda rows: rows._raw_delete(rows.db)):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), tenant_context(signed.tenant.id):
            change(model.objects.filter(tenant=signed.tenant))


def test_who_saw_an_older_version_is_refused(ward: Ward) -> None:
    ward.judge("accepted", expected=0)
    with pytest.raises(ResultChanged):
        ward.judge("rejected", REASON, expected=0)
    ward.judge("rejected", REASON, expected=1)
    with pytest.raises(ResultChanged):
        ward.sign(expected=1)


def test_a_member_reads_and_does_not_review(ward: Ward) -> None:
    member = Reviewer("user:m", ward.party.member, Role.MEMBER)
    with tenant_context(ward.tenant.id), pytest.raises(ReviewerNeeded):
        review.conclude(ward.result(), "Fine.", by=member)


@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMIN, Role.REVIEWER])
def test_control_these_roles_review_and_sign(ward: Ward, role: Role) -> None:
    somebody = person(ward.party, role, "Else")
    by = Reviewer("user:e", somebody, role)
    ward.judge("accepted")
    with tenant_context(ward.tenant.id):
        review.sign(ward.result(), "Dr. Else", statement=True, by=by)
    assert ward.reading().signature is not None


def test_a_key_does_not_sign(ward: Ward) -> None:
    ward.judge("accepted")
    with tenant_context(ward.tenant.id), pytest.raises(PersonNeeded):
        review.sign(ward.result(), "Machine", statement=True, by=Reviewer("key:ak_x"))


def test_a_signature_without_name_or_statement_is_none(ward: Ward) -> None:
    ward.judge("accepted")
    for signer, statement in (("", True), ("Dr. Grey", False)):
        with tenant_context(ward.tenant.id), pytest.raises(reviewing.SignatureIncomplete):
            review.sign(ward.result(), signer, statement=statement, by=ward.by)


def test_every_act_is_in_the_audit_without_words(ward: Ward) -> None:
    ward.judge("rejected", REASON)
    ward.add()
    ward.conclude("Mr. Smith is well.")
    ward.sign()
    ward.append("Mr. Smith came back.")
    with operator_context():
        events = list(AuditEvent.objects.filter(tenant=ward.tenant).order_by("sequence"))
    assert [one.action for one in events][-5:] == [
        "finding.rejected", "finding.added", "result.concluded", "result.signed", "result.addendum",
    ]  # fmt: skip
    assert {one.actor for one in events[-5:]} == {f"user:{ward.reviewer.pk}"}
    assert "Smith" not in repr([(one.detail, one.subject) for one in events])
    assert audit.verify() == []


def examples(ward: Ward) -> list[LabelledExample]:
    with tenant_context(ward.tenant.id):
        return list(LabelledExample.objects.order_by("finding__position"))


def test_without_consent_no_example_is_kept(signed: Ward) -> None:
    assert examples(signed) == []


def test_with_consent_each_signed_finding_is_an_example_with_before_and_after(ward: Ward) -> None:
    with tenant_context(ward.tenant.id):
        learning.set_consent(ward.tenant.id, True, actor="test")
    ward.judge("rejected", REASON)
    ward.add()
    assert examples(ward) == []
    ward.sign()
    rejected, added = examples(ward)
    assert (rejected.verdict, rejected.after, added.verdict, added.before) == ("rejected", None, "added", None)
    assert rejected.before["score"] == 0.9
    assert added.after["type"]["slug"] == "mass"
    assert (rejected.plugin, rejected.version) == ("echo", "1.0.0")
    assert rejected.instances_sha256 == added.instances_sha256
    assert len(added.instances_sha256[0]) == 64
    assert REASON not in repr([vars(one) for one in examples(ward)])


def test_consent_taken_back_before_the_signature_counts(ward: Ward) -> None:
    with tenant_context(ward.tenant.id):
        learning.set_consent(ward.tenant.id, True, actor="test")
    ward.judge("accepted")
    with tenant_context(ward.tenant.id):
        learning.set_consent(ward.tenant.id, False, actor="test")
    ward.sign()
    assert examples(ward) == []
    with operator_context():
        events = AuditEvent.objects.filter(tenant=ward.tenant, action="learning_consent.changed")
        assert [one.detail["given"] for one in events.order_by("sequence")] == [True, False]
