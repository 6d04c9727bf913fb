"""Reviews at the portal, without a script: what each person sees and may press."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from inference import learning
from inference.models import Instance
from tenants.context import tenant_context
from tenants.ids import encode
from tenants.models import Role
from tests.conftest import Party
from tests.portal.conftest import at_portal
from tests.reviewing import Ward, make_ward, person

pytestmark = pytest.mark.django_db
SIGNATURE = {"signer": "Dr. Grey", "statement": "yes"}


@pytest.fixture
def ward(clinic: Party) -> Ward:
    return make_ward(clinic)


@pytest.fixture
def grey(ward: Ward) -> Client:
    return at_portal(ward.reviewer)


def path(ward: Ward, act: str = "job", place: int | None = None) -> str:
    places = [encode("job", ward.job.id)]
    if place is not None:
        with tenant_context(ward.tenant.id):
            places.append(encode("fnd", ward.finding(place).id))
    return reverse(f"portal:{act}", args=places)


def page_of(ward: Ward, client: Client, language: str = "en") -> str:
    return client.get(path(ward), headers={"Accept-Language": language}).content.decode()


def press(ward: Ward, client: Client, act: str, place: int | None = None, **fields: Any) -> str:
    """Send a form with the version that the page has now; the page on which it ends."""
    with tenant_context(ward.tenant.id):
        version = ward.reading().version
    words = {"version": version, **fields}
    answer = client.post(path(ward, act, place), words, follow=True, headers={"Accept-Language": "en"})
    assert answer.status_code in (200, 409), answer.status_code
    return str(answer.content.decode())


def test_a_reviewer_rejects_resizes_adds_and_signs_without_a_script(ward: Ward, grey: Client) -> None:
    assert "not reviewed" in page_of(ward, grey)
    box = {"left": "1", "top": "1", "right": "9", "bottom": "7"}
    assert "edited" in press(ward, grey, "finding-review", 0, action="edit", type="nodule", **box)
    with tenant_context(ward.tenant.id):
        image = encode("ins", Instance.objects.get(study_id=ward.job.study_id).id)
    page = press(ward, grey, "finding-add", type="mass", instance=image, left=2, top=2, right=6, bottom=6)
    assert "added by a person" in page
    assert "Reason: a rib" in press(ward, grey, "finding-review", 0, action="reject", reason="a rib")
    assert "One mass." in press(ward, grey, "conclusion", text="One mass.")
    page = press(ward, grey, "sign", **SIGNATURE)
    assert "The result is signed." in page
    assert "by Dr. Grey" in page
    assert 'value="reject"' not in page
    assert "review.js" not in page
    assert "Seen again." in press(ward, grey, "addendum", text="Seen again.")
    assert [one.status for one in ward.reading().findings] == ["rejected", "added"]


def test_a_box_that_was_not_touched_changes_no_size(ward: Ward, grey: Client) -> None:
    before = ward.reading().findings[0].finding
    box = {"left": "0", "top": "0", "right": "3", "bottom": "3"}
    press(ward, grey, "finding-review", 0, action="edit", type="mass", **box)
    after = ward.reading().findings[0].finding
    assert (after.type.slug, after.size, after.location) == ("mass", before.size, before.location)


def test_a_member_reads_and_finds_no_button(ward: Ward, member: Client) -> None:
    page = page_of(ward, member)
    assert "not reviewed" in page
    assert "Not signed yet" in page
    assert 'name="version"' not in page
    for act, place in (("finding-review", 0), ("finding-add", None), ("conclusion", None), ("sign", None),
                       ("addendum", None)):  # fmt: skip
        assert member.post(path(ward, act, place), {"version": 0, "action": "accept"}).status_code == 403, act
    assert ward.reading().version == 0


def test_control_the_owner_accepts(ward: Ward, owner: Client) -> None:
    assert "accepted" in press(ward, owner, "finding-review", 0, action="accept")
    assert ward.reading().version == 1


def test_a_stranger_finds_no_address(ward: Ward, charlie: Party) -> None:
    stranger = at_portal(charlie.owner)
    for act, place in (("job", None), ("finding-review", 0), ("finding-add", None), ("conclusion", None),
                       ("sign", None), ("addendum", None)):  # fmt: skip
        assert stranger.post(path(ward, act, place), {"version": 0, "action": "accept"}).status_code == 404, act


def test_a_form_without_its_token_changes_nothing(ward: Ward) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ward.reviewer)
    assert client.post(path(ward, "finding-review", 0), {"version": 0, "action": "accept"}).status_code == 403
    assert ward.reading().version == 0


def test_what_was_typed_is_not_lost_when_somebody_was_faster(ward: Ward, grey: Client) -> None:
    ward.judge("accepted")
    answer = grey.post(path(ward, "conclusion"), {"version": 0, "text": "Long words"})
    assert answer.status_code == 409
    assert "Long words" in answer.content.decode()
    assert "was changed since you read it" in answer.content.decode()
    assert ward.reading().conclusion == ""


@pytest.mark.parametrize("fields", [{"version": "x"}, {"action": "praise"}, {"left": "a", "action": "edit"}])
def test_a_form_that_was_tampered_with_is_refused_in_words(ward: Ward, grey: Client, fields: dict[str, str]) -> None:
    page = press(ward, grey, "finding-review", 0, **fields)
    assert 'role="alert"' in page
    assert ward.reading().version == 0


def test_texts_are_escaped(ward: Ward, grey: Client) -> None:
    press(ward, grey, "finding-review", 0, action="reject", reason="<script>alert(1)</script>")
    page = press(ward, grey, "conclusion", text="</textarea><script>")
    assert "<script>alert" not in page
    assert "</textarea><script>" not in page


def test_no_style_or_script_stands_in_the_page(ward: Ward, grey: Client) -> None:
    page = page_of(ward, grey)
    assert not re.search(r"<script(?![^>]*src=)| style=| on[a-z]+=", page)


def test_only_the_owner_decides_about_learning(ward: Ward, owner: Client, member: Client, grey: Client) -> None:
    for client in (member, grey, at_portal(person(ward.party, Role.ADMIN))):
        assert client.get(reverse("portal:learning")).status_code == 200
        assert client.post(reverse("portal:learning"), {"given": "yes"}).status_code == 403
    assert "No consent" in owner.get(reverse("portal:learning"), headers={"Accept-Language": "en"}).content.decode()
    owner.post(reverse("portal:learning"), {"given": "yes"})
    with tenant_context(ward.tenant.id):
        assert learning.consents(ward.tenant.id)
    owner.post(reverse("portal:learning"), {"given": "no"})
    with tenant_context(ward.tenant.id):
        assert not learning.consents(ward.tenant.id)
