"""Kinds of outputs of one result."""

from __future__ import annotations

from django.urls import reverse
from rest_framework.request import Request

from api.errors import translated
from api.v1.shapes.values import Json, address, instant
from inference.outputs.store import Offer


def output(offer: Offer, identity: str, request: Request) -> Json:
    """One kind: whether it can be had, and its digest once it was made."""
    made, refusal = offer.made, None if offer.made else offer.refusal
    return {
        "object": "output",
        "kind": offer.kind.name,
        "available": refusal is None,
        "code": refusal and refusal.code,
        "detail": refusal and translated(refusal),
        "media_type": made.media_type if made else offer.kind.media_type,
        "url": address(request, reverse("v1:job-output", args=[identity, offer.kind.name])),
        "revision": made.revision if made else None,
        "sha256": made.sha256 if made else None,
        "size_bytes": made.size_bytes if made else None,
        "created_at": instant(made.created_at) if made else None,
    }
