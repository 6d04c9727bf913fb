"""What clients may send: known fields only, each checked, each fault told with its pointer."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers

from api.errors import InvalidFields, entry
from api.parsing import escaped

MOST_METADATA = 50
LONGEST_NAME = 100
MOST_FAULTS = 20
"""Told in one answer: who sends thousands of unknown fields is not answered with thousands of entries."""


class Strict(serializers.Serializer[Any]):
    """Refuses fields that it does not know: a typing mistake must not be taken in silence."""

    @classmethod
    def read(cls, data: Any) -> dict[str, Any]:
        """The checked fields. Raises `InvalidFields`."""
        if not isinstance(data, dict):
            raise InvalidFields([entry("", "not_an_object", "the body is a JSON object")])
        known = cls()
        strange = sorted(set(data) - set(known.fields))[:MOST_FAULTS]
        unknown = [entry(f"/{escaped(name)}", "unknown_field", "not known here") for name in strange]
        checked = cls(data=data)
        if not checked.is_valid() or unknown:
            raise InvalidFields([*unknown, *faults(checked.errors)])
        found: dict[str, Any] = checked.validated_data
        return found


def faults(errors: Any, pointer: str = "") -> list[dict[str, str]]:
    """The serializer's errors, flat, each with a JSON pointer."""
    if isinstance(errors, dict):
        return [fault for name, below in errors.items() for fault in faults(below, f"{pointer}/{escaped(str(name))}")]
    return [entry(pointer, getattr(error, "code", "invalid"), str(error)) for error in errors]


class WholeNumber(serializers.IntegerField):
    """A JSON number without a fraction; text that looks like one, and `true`, are not."""

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        number: int = super().to_internal_value(data)
        return number


class MetadataField(serializers.DictField):
    """Up to 50 short texts of the customer's own, under names of up to 100 characters."""

    child = serializers.CharField(max_length=500, allow_blank=True)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        found: dict[str, Any] = super().to_internal_value(data)
        if len(found) > MOST_METADATA:
            raise serializers.ValidationError(_("at most %(most)s keys") % {"most": MOST_METADATA}, "too_many_keys")
        if any(not 1 <= len(name) <= LONGEST_NAME for name in found):
            text = _("a key has 1 to %(most)s characters") % {"most": LONGEST_NAME}
            raise serializers.ValidationError(text, "invalid_key")
        return found


class JobRequest(Strict):
    """The body of `POST /v1/jobs` and of its estimate."""

    # of any length: a malformed id answers like one that never was
    study = serializers.CharField(required=False, allow_blank=True)
    input = serializers.DictField(required=False)
    plugin = serializers.CharField(max_length=64)
    params = serializers.DictField(required=False, default=dict)
    priority = serializers.ChoiceField(["low", "normal", "high"], required=False, default="normal")
    metadata = MetadataField(required=False, default=dict)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("study" in attrs) == ("input" in attrs):
            raise serializers.ValidationError({"study": _("give either study or input")}, code="required")
        return attrs


class UploadRequest(Strict):
    """The fields beside the files of `POST /v1/studies`."""

    description = serializers.CharField(required=False, default="", allow_blank=True, max_length=200)
    metadata = MetadataField(required=False, default=dict)


WHEN = ("now", "period_end")
LARGEST_AMOUNT = 10**12


class ChangeRequest(Strict):
    """The body of `POST /v1/subscription/change` and of its preview."""

    plan = serializers.CharField(max_length=64)
    when = serializers.ChoiceField(WHEN, required=False, default="now")


class CancelRequest(Strict):
    """The body of `POST /v1/subscription/cancel`."""

    when = serializers.ChoiceField(WHEN, required=False, default="period_end")


class NoFields(Strict):
    """The body of an action that needs nothing: `{}`."""


class CapsRequest(Strict):
    """The body of `PUT /v1/spending_caps`: both, whole minor units or null."""

    soft_cap = WholeNumber(min_value=0, max_value=LARGEST_AMOUNT, allow_null=True)
    hard_cap = WholeNumber(min_value=0, max_value=LARGEST_AMOUNT, allow_null=True)


class PurchaseRequest(Strict):
    """The body of `POST /v1/credits/purchase`: whole minor units before tax."""

    amount = WholeNumber(min_value=1, max_value=LARGEST_AMOUNT)


class ErasureRequest(Strict):
    """`POST /v1/erasures`"""

    patient_id = serializers.CharField(max_length=64)
    issuer = serializers.CharField(max_length=64, required=False, allow_blank=True, default="")
