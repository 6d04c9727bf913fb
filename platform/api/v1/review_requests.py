"""What clients may send about reviews."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers

from api.v1.requests import Strict
from inference.domain.reviewing import LONGEST_TEXT
from inference.review import LONGEST_SIGNER

ACTIONS = ("accept", "edit", "reject", "withdraw")
LONGEST_ID = 64


class Drawing(Strict):
    """What may be drawn: a box or a closed outline on one frame of an image of the study."""

    type = serializers.CharField(required=False, max_length=LONGEST_ID)
    instance = serializers.CharField(required=False, allow_blank=True)
    frame = serializers.IntegerField(required=False, default=1, min_value=1, max_value=2**31 - 1)
    bbox = serializers.ListField(child=serializers.FloatField(), required=False, min_length=4, max_length=6)
    contour = serializers.ListField(
        child=serializers.ListField(child=serializers.FloatField(), min_length=2, max_length=2),
        required=False, min_length=3, max_length=1000,
    )  # fmt: skip
    reason = serializers.CharField(required=False, default="", allow_blank=True, max_length=LONGEST_TEXT)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "bbox" in attrs and "contour" in attrs:
            raise serializers.ValidationError({"contour": _("give either bbox or contour")}, code="too_many")
        return attrs


class ReviewRequest(Drawing):
    """The body of `POST /v1/findings/{id}/review`."""

    action = serializers.ChoiceField(ACTIONS)


class FindingRequest(Drawing):
    """The body of `POST /v1/results/{id}/findings`."""

    type = serializers.CharField(max_length=LONGEST_ID)
    instance = serializers.CharField()


class ConclusionRequest(Strict):
    """The body of `PUT /v1/results/{id}/conclusion`."""

    text = serializers.CharField(allow_blank=True, max_length=LONGEST_TEXT)


class SignRequest(Strict):
    """The body of `POST /v1/results/{id}/sign`: a name, and that the person stands for the result."""

    signer = serializers.CharField(max_length=LONGEST_SIGNER)
    statement = serializers.BooleanField()


class AddendumRequest(Strict):
    """The body of `POST /v1/results/{id}/addenda`."""

    text = serializers.CharField(max_length=LONGEST_TEXT)
