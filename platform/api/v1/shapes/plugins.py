"""Plugins as a tenant sees them."""

from __future__ import annotations

from uuid import UUID

from django.urls import reverse
from django.utils.translation import get_language
from rest_framework.request import Request

from api.v1.shapes.values import Json, address, quantity
from billing import catalogue, quota
from inference.plugins.base import AnyPlugin, InputPort, Text


def plugin(found: AnyPlugin, tenant_id: UUID, request: Request) -> Json:
    """What the analysis is for, what it takes, and what it costs this tenant now."""
    manifest = found.manifest
    price = catalogue.price_for(tenant_id, manifest.slug, manifest.unit)
    return {
        "slug": manifest.slug,
        "object": "plugin",
        "version": manifest.version,
        "title": text(manifest.title),
        "description": text(manifest.description),
        "intended_use": text(manifest.intended_use),
        "disclaimer": text(manifest.disclaimer),
        "medical": manifest.medical,
        "inputs": [port(one) for one in manifest.inputs],
        "params_schema": dict(manifest.params_schema),
        "output_schema": dict(manifest.output_schema),
        "unit": manifest.unit,
        "price": price
        and {
            "amount": price.amount,
            "unit_amount": quantity(price.exact),
            "currency": price.currency,
            "model": price.model,
        },
        "enabled": quota.entitlement(tenant_id, manifest.slug) is not None,
        "card_url": address(request, reverse("v1:plugin-card", args=[manifest.slug])),
    }


def text(both: Text) -> str:
    """In the language of the request."""
    return both.zh_hans if (get_language() or "").startswith("zh") else both.en


def port(one: InputPort) -> Json:
    return {
        "name": one.name,
        "kind": one.kind,
        "media_types": list(one.media_types),
        "modalities": list(one.modalities),
        "min_items": one.min_items,
        "max_items": one.max_items,
        "required": one.required,
    }
