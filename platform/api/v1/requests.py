"""What clients may send: known fields only, each checked, each fault told with its pointer."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from api.errors import InvalidFields, entry

MOST_METADATA = 50


class Strict(serializers.Serializer[Any]):
    """Refuses fields that it does not know: a typing mistake must not be taken in silence."""

    @classmethod
    def read(cls, data: Any) -> dict[str, Any]:
        """The checked fields. Raises `InvalidFields`."""
        if not isinstance(data, dict):
            raise InvalidFields([entry("", "not_an_object", "the body is a JSON object")])
        known = cls()
        unknown = [
            entry(f"/{name}", "unknown_field", "not known here") for name in sorted(set(data) - set(known.fields))
        ]
        checked = cls(data=data)
        if not checked.is_valid() or unknown:
            raise InvalidFields([*unknown, *faults(checked.errors)])
        found: dict[str, Any] = checked.validated_data
        return found


def faults(errors: Any, pointer: str = "") -> list[dict[str, str]]:
    """The serializer's errors, flat, each with a JSON pointer."""
    if isinstance(errors, dict):
        return [fault for name, below in errors.items() for fault in faults(below, f"{pointer}/{name}")]
    return [entry(pointer, getattr(error, "code", "invalid"), str(error)) for error in errors]


class MetadataField(serializers.DictField):
    """Up to 50 short texts of the customer's own."""

    child = serializers.CharField(max_length=500, allow_blank=True)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        found: dict[str, Any] = super().to_internal_value(data)
        if len(found) > MOST_METADATA:
            raise serializers.ValidationError(f"at most {MOST_METADATA} keys", code="too_many_keys")
        return found


class JobRequest(Strict):
    """The body of `POST /v1/jobs` and of its estimate."""

    study = serializers.CharField(required=False, max_length=40)
    input = serializers.DictField(required=False)
    plugin = serializers.CharField(max_length=64)
    params = serializers.DictField(required=False, default=dict)
    priority = serializers.ChoiceField(["low", "normal", "high"], required=False, default="normal")
    metadata = MetadataField(required=False, default=dict)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("study" in attrs) == ("input" in attrs):
            raise serializers.ValidationError({"study": "give either study or input"}, code="required")
        return attrs


class UploadRequest(Strict):
    """The fields beside the files of `POST /v1/studies`."""

    description = serializers.CharField(required=False, default="", allow_blank=True, max_length=200)
    metadata = MetadataField(required=False, default=dict)
