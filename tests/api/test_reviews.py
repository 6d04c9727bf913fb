"""Reviews over REST: what each address does, who may, and what a stale client is told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from inference.models import Instance, Review
from tenants import keys
from tenants.accounts import TENANT_IN_SESSION
from tenants.context import operator_context, tenant_context
from tenants.ids import encode
from tenants.models import Role, User
from tests.api.conftest import Api
from tests.conftest import Party
from tests.reviewing import Ward, make_ward, person

pytestmark = pytest.mark.django_db
SIGNATURE = {"signer": "Dr. Grey", "statement": True}


@pytest.fixture
def ward(clinic: Party) -> Ward:
    return make_ward(clinic)


class Session(Api):
    """A member who is logged in at the portal, at the same addresses."""

    def __init__(self, ward: Ward, user: User) -> None:
        super().__init__("")
        self.headers = {}
        self.client = Client()
        self.client.force_login(user)
        session = self.client.session
        session[TENANT_IN_SESSION] = str(ward.tenant.id)
        session.save()

    def put(self, path: str, body: Any, **headers: str) -> Any:
        return self.client.put(path, json.dumps(body), content_type="application/json", **headers)


@pytest.fixture
def grey(ward: Ward) -> Session:
    return Session(ward, ward.reviewer)


def result_of(ward: Ward, api: Api) -> Any:
    return api.get(f"/v1/jobs/{encode('job', ward.job.id)}/result")


def image_of(ward: Ward) -> str:
    with tenant_context(ward.tenant.id):
        return encode("ins", Instance.objects.get(study_id=ward.job.study_id).id)


def test_a_result_goes_from_unreviewed_to_signed(ward: Ward, grey: Session) -> None:
    rejected = grey.post(f"{ward.path('finding')}/review", {"action": "reject", "reason": "a rib"})
    assert rejected.status_code == 201
    assert (rejected.json()["act"], rejected.json()["version"], rejected.json()["reviewer"]) == ("rejected", 1, "Grey")
    assert rejected.json()["id"].startswith("rev_")
    made = grey.post(f"{ward.path()}/findings", {"type": "mass", "instance": image_of(ward), "bbox": [4, 4, 10, 8]})
    assert made.status_code == 201, made.json()
    assert grey.put(f"{ward.path()}/conclusion", {"text": "One mass."}).json()["conclusion"] == "One mass."
    signed = grey.post(f"{ward.path()}/sign", SIGNATURE)
    assert signed.status_code == 200, signed.json()
    assert signed.json()["signature"]["signer"] == "Dr. Grey"
    first, second = signed.json()["findings"]
    assert (first["review"]["status"], first["review"]["reason"]) == ("rejected", "a rib")
    assert (second["review"]["status"], second["score"], second["size"]["long_axis_px"]) == ("added", None, 6)
    assert (signed.json()["revision"], signed.json()["version"]) == (1, 4)
    appended = grey.post(f"{ward.path()}/addenda", {"text": "Seen again."})
    assert appended.status_code == 201
    assert [one["text"] for one in appended.json()["addenda"]] == ["Seen again."]
    listed = grey.get(f"{ward.path()}/reviews").json()["data"]
    assert [one["act"] for one in listed] == ["concluded", "added", "rejected"]


def test_an_outline_is_measured(ward: Ward, grey: Session) -> None:
    contour = [[2, 2], [8, 2], [8, 5], [2, 5]]
    grey.post(f"{ward.path('finding')}/review", {"action": "edit", "contour": contour})
    (found,) = result_of(ward, grey).json()["findings"]
    assert found["location"]["bbox_px"] == [2, 2, 9, 6]
    assert found["location"]["centroid_px"] == [5, 3.5]
    assert found["size"]["long_axis_px"] == 6.71
    assert found["review"]["status"] == "edited"


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({"action": "reject"}, "reason_needed", "/reason"),
        ({"action": "edit"}, "nothing_changed", None),
        ({"action": "edit", "type": "fish"}, "unknown_finding_type", "/type"),
        ({"action": "edit", "bbox": [0, 0, 99, 4]}, "outline_invalid", "/bbox"),
        ({"action": "edit", "bbox": [0, 0, 4]}, "invalid_fields", "/bbox"),
        ({"action": "praise"}, "invalid_fields", "/action"),
        ({"action": "accept", "colour": "red"}, "invalid_fields", "/colour"),
        ({"action": "edit", "bbox": [0, 0, 4, 4], "contour": [[0, 0], [1, 1], [0, 1]]}, "invalid_fields", "/contour"),
    ],
)
def test_what_is_wrong_is_told(ward: Ward, grey: Session, body: Any, code: str, pointer: str | None) -> None:
    answer = grey.post(f"{ward.path('finding')}/review", body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert [one["pointer"] for one in answer.json()["errors"]] == ([pointer] if pointer else [])


def test_a_stale_client_is_refused_and_told_to_read_again(ward: Ward, grey: Session) -> None:
    tag = result_of(ward, grey).headers["ETag"]
    path = f"{ward.path('finding')}/review"
    assert grey.post(path, {"action": "accept"}, HTTP_IF_MATCH=tag).status_code == 201
    stale = grey.post(path, {"action": "reject", "reason": "x"}, HTTP_IF_MATCH=tag)
    assert (stale.status_code, stale.json()["code"]) == (412, "result_changed")
    assert grey.post(path, {"action": "reject", "reason": "x"}, HTTP_IF_MATCH='"1"').status_code == 201
    assert grey.post(path, {"action": "withdraw"}, HTTP_IF_MATCH="nonsense").status_code == 422


def test_the_tag_changes_with_every_act_and_with_nothing_else(ward: Ward, grey: Session) -> None:
    first = result_of(ward, grey).headers["ETag"]
    path = f"/v1/jobs/{encode('job', ward.job.id)}/result"
    assert grey.get(path, HTTP_IF_NONE_MATCH=first).status_code == 304
    ward.judge("accepted")
    assert grey.get(path, HTTP_IF_NONE_MATCH=first).status_code == 200


def test_the_same_request_is_carried_out_once(ward: Ward, grey: Session) -> None:
    body = {"type": "mass", "instance": image_of(ward), "bbox": [4, 4, 10, 8]}
    once, again = (grey.post(f"{ward.path()}/findings", body, HTTP_IDEMPOTENCY_KEY="k") for _ in range(2))
    assert once.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    with tenant_context(ward.tenant.id):
        assert Review.objects.count() == 1


ACTS = (
    ("finding", "/review", {"action": "accept"}),
    ("result", "/findings", {"type": "mass", "instance": "ins_x", "bbox": [4, 4, 10, 8]}),
    ("result", "/sign", SIGNATURE),
    ("result", "/addenda", {"text": "x"}),
)


def codes(ward: Ward, api: Api) -> set[tuple[int, str]]:
    """What all acts answer."""
    answers = [api.post(ward.path(kind) + path, body) for kind, path, body in ACTS if path != "/findings"]
    return {(one.status_code, one.json().get("code", "")) for one in answers}


def test_a_member_reads_the_reviews_and_does_nothing(ward: Ward) -> None:
    member = Session(ward, ward.party.member)
    assert member.get(f"{ward.path()}/reviews").status_code == 200
    assert codes(ward, member) == {(403, "role_missing")}
    assert member.put(f"{ward.path()}/conclusion", {"text": "x"}).json()["code"] == "role_missing"
    assert ward.reading().version == 0


def test_who_only_pays_reads_nothing(ward: Ward) -> None:
    payer = Session(ward, person(ward.party, Role.BILLING))
    assert payer.get(f"{ward.path()}/reviews").status_code == 403
    assert codes(ward, payer) == {(403, "role_missing")}


def test_a_stranger_meets_nothing(ward: Ward, charlie: Party) -> None:
    assert codes(ward, Api(charlie.token)) == {(404, "not_found")}
    assert Api(charlie.token).get(f"{ward.path()}/reviews").status_code == 404


def test_a_key_reviews_by_its_scope_and_never_signs(ward: Ward) -> None:
    key = Api(ward.party.token)
    judged = key.post(f"{ward.path('finding')}/review", {"action": "accept"})
    assert judged.status_code == 201
    assert judged.json()["reviewer"].startswith("key:ak_")
    signed = key.post(f"{ward.path()}/sign", SIGNATURE)
    assert (signed.status_code, signed.json()["code"]) == (403, "person_needed")
    with operator_context():
        reader = keys.issue(ward.tenant, "reader", ["jobs:read"], actor="test")
    refused = Api(reader.token).post(f"{ward.path('finding')}/review", {"action": "withdraw"})
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")


def test_a_signed_result_says_so_to_every_act(ward: Ward, grey: Session) -> None:
    ward.judge("accepted")
    ward.sign()
    for kind, path, body in ACTS[:3]:
        sent = {**body, "instance": image_of(ward)} if path == "/findings" else body
        answer = grey.post(ward.path(kind) + path, sent)
        assert (answer.status_code, answer.json()["code"]) == (409, "result_signed"), path
