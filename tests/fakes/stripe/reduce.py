"""Writes `shapes.json`: the keys of the resources that the fake answers with, from Stripe's own published examples.

`python -m tests.fakes.stripe.reduce FIXTURES3_JSON` reads the `fixtures3.json` of github.com/stripe/openapi (MIT, see
`shapes.LICENSE`). Kept are the fields that the installed SDK knows too. A field that may be null is null; the rest
keep their example, numbers as 0.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Union, get_args, get_origin

from stripe._object_classes import get_object_class

SHAPES = Path(__file__).with_name("shapes.json")
USED = (
    "account",
    "billing.meter",
    "billing.meter_event",
    "billing.meter_event_adjustment",
    "billing.meter_event_summary",
    "billing_portal.configuration",
    "billing_portal.session",
    "charge",
    "checkout.session",
    "coupon",
    "credit_note",
    "credit_note_line_item",
    "customer",
    "discount",
    "event",
    "invoice",
    "invoice_payment",
    "invoiceitem",
    "item",
    "line_item",
    "payment_intent",
    "payment_method",
    "price",
    "product",
    "promotion_code",
    "refund",
    "setup_intent",
    "subscription",
    "subscription_item",
    "tax_rate",
    "webhook_endpoint",
)


def reduced(example: dict[str, Any], kind: Any) -> dict[str, Any]:
    """The fields of the example that the class knows, null where they may be."""
    known = getattr(kind, "__annotations__", {})
    inner = getattr(kind, "_inner_class_types", {})
    return {name: _value(example[name], known[name], inner.get(name)) for name in sorted(example.keys() & known.keys())}


def _value(example: Any, hint: Any, inner: Any) -> Any:
    if get_origin(hint) is Union and type(None) in get_args(hint):
        return None
    if isinstance(example, list):
        return []
    if isinstance(example, int) and not isinstance(example, bool):
        return 0
    if not isinstance(example, dict):
        return example
    if example.get("object") == "list":
        return {"object": "list", "data": [], "has_more": False, "url": ""}
    return reduced(example, inner) if inner else {}


def main(source: str) -> None:
    resources = json.loads(Path(source).read_text())["resources"]
    shapes = {name: reduced(resources[name], get_object_class("V1", name)) for name in USED}
    SHAPES.write_text(json.dumps(shapes, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
