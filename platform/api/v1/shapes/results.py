"""Results and findings."""

from __future__ import annotations

from dataclasses import asdict
from uuid import UUID

from django.urls import reverse
from django.utils.translation import get_language
from rest_framework.request import Request

from api.v1.shapes.values import Json, address, instant
from inference.advice import advice_of
from inference.comparison import comparison_of
from inference.domain.advice import Advice, Comparison
from inference.domain.reading import ReadFinding, Reading
from inference.models import Artifact, Result
from inference.notes import in_language, told
from tenants.ids import encode


def result(row: Result, request: Request, reading: Reading) -> Json:
    """The outcome of a job as it stands; `status` is what the analysis said, whatever people made of it."""
    identity = encode("job", row.job_id)
    compared = comparison_of(row, reading)
    return {
        "id": encode("res", row.id),
        "object": "result",
        "job": identity,
        "status": row.status,
        "findings": [finding(one) for one in reading.findings],
        "predictions": row.predictions and [prediction(one) for one in row.predictions],
        "notes": [in_language(note) for note in row.notes],
        "measures": row.measures,
        "advice": [advice(one) for one in advice_of(row, reading)],
        "comparison": compared and comparison(compared),
        "report": {
            "html": address(request, reverse("v1:job-report", args=[identity])),
            "pdf": address(request, reverse("v1:job-report-pdf", args=[identity])),
        },
        "artifacts": [artifact(one, request) for one in row.artifacts.order_by("id")],
        "model": row.model,
        "disclaimer": disclaimer(row),
        "created_at": instant(row.created_at),
        "conclusion": reading.conclusion,
        "signature": signature(reading),
        "addenda": [
            {"author": one.author, "text": one.text, "created_at": instant(one.written_at)} for one in reading.addenda
        ],
        "revision": reading.revision,
        "version": reading.version,
    }


def signature(reading: Reading) -> Json | None:
    """Who stands for the result."""
    found = reading.signature
    return {"signer": found.signer, "signed_at": instant(found.signed_at)} if found else None


def finding(one: ReadFinding) -> Json:
    """One finding as it stands, its place and size in the conventions of the contract.

    A finding that a person added has no score.
    """
    body = asdict(one.finding)
    kind = body["type"]
    return {
        "id": one.id,
        "tracking_uid": body["tracking_uid"],
        "type": {"code": kind["code"], "scheme": kind["scheme"], "display": kind["display"], "slug": kind["slug"]},
        "score": one.finding.score if one.machine else None,
        "location": location(body["location"]),
        "size": body["size"],
        "contours": [{"frame": contour["frame"], "points": contour["points"]} for contour in body.get("contours", [])],
        "truncated": body["truncated"],
        "review": {
            "status": one.status,
            "reason": one.reason,
            "reviewer": one.reviewer or None,
            "reviewed_at": instant(one.reviewed_at),
        },
    }


def prediction(body: Json) -> Json:
    """The labels of one item; an item that is an image is named by its public id."""
    try:
        item = encode("ins", UUID(body["item"]))
    except ValueError:
        item = body["item"]
    return {"item": item, "labels": body["labels"]}


def location(body: Json) -> Json:
    site = body["site"]
    return {
        "site": site and {key: site[key] for key in ("code", "scheme", "display", "laterality")},
        "centroid_px": body["centroid_px"],
        "centroid_mm": body["centroid_mm"],
        "bbox_px": body["bbox_px"],
        "bbox_mm": body["bbox_mm"],
        "instances": [{key: one[key] for key in ("sop_instance_uid", "frame", "best")} for one in body["instances"]],
    }


def advice(one: Advice) -> Json:
    """What a guideline or a rule of ours says, with its reasons, in the language of the request."""
    return {
        "slug": one.slug,
        "text": told(one.text),
        "because": [told(reason) for reason in one.because],
        "guideline": one.guideline,
        "version": one.version,
        "source": one.source,
        "findings": list(one.findings),
        "after_months": one.after_months and list(one.after_months),
    }


def comparison(one: Comparison) -> Json:
    """The result beside an earlier one of the same patient. Findings are told by their numbers, counted from 1."""
    return {
        "prior_job": one.prior_job,
        "prior_taken_at": one.prior_taken_at and instant(one.prior_taken_at),
        "days_between": one.days_between,
        "changes": [{**asdict(change), "course": change.course} for change in one.changes],
        "notes": [told(note) for note in one.notes],
    }


def artifact(row: Artifact, request: Request) -> Json:
    path = reverse("v1:artifact", args=[encode("job", row.result.job_id), encode("art", row.id)])
    return {
        "kind": row.kind,
        "media_type": row.media_type,
        "url": address(request, path),
        "sha256": row.sha256,
        "revision": row.revision,
        "language": row.language or None,
    }


def disclaimer(row: Result) -> str:
    """In the language of the request."""
    text: str = row.disclaimer["zh_hans" if (get_language() or "").startswith("zh") else "en"]
    return text
