"""The shapes of the contract for OpenAPI. What is sent is built in `v1.shapes`; a test holds the two together."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, inline_serializer
from rest_framework import serializers as s

from inference.outputs.kinds import KINDS

JSON = s.JSONField
Fields = dict[str, Any]


def shape(name: str, /, **fields: Any) -> Any:
    return inline_serializer(name, fields)


def many(name: str, /, **fields: Any) -> Any:
    return inline_serializer(name, fields, many=True)


def listing(name: str, item: Any) -> Any:
    """The form of every list."""
    cursor = s.CharField(allow_null=True)
    return shape(f"{name}List", object=s.CharField(), data=item, has_more=s.BooleanField(), next_cursor=cursor)


def parameter(
    name: str, text: str, kind: Any = OpenApiTypes.STR, where: Any = OpenApiParameter.QUERY
) -> OpenApiParameter:
    return OpenApiParameter(name, kind, where, description=text)


Problem = shape(
    "Problem",
    type=s.URLField(),
    title=s.CharField(),
    status=s.IntegerField(),
    detail=s.CharField(),
    instance=s.CharField(),
    code=s.CharField(help_text="stable; the texts follow Accept-Language"),
    request_id=s.CharField(allow_blank=True),
    errors=many(
        "ProblemEntry",
        pointer=s.CharField(),
        code=s.CharField(),
        detail=s.CharField(),
        name=s.CharField(required=False, help_text="the name of the file that the entry is about"),
    ),
)
PROBLEM_STATUSES = (400, 401, 402, 403, 404, 409, 410, 411, 412, 413, 415, 422, 429, 503)
OF_THE_STORED = "of the stored file, which identity=pseudonym gives; the ETag of an answer is of what it holds"
PROBLEMS = {(status, "application/problem+json"): Problem for status in PROBLEM_STATUSES}

FileOutcome = many(
    "FileOutcome",
    name=s.CharField(),
    status=s.ChoiceField(["stored", "duplicate", "rejected"]),
    sha256=s.CharField(required=False),
    code=s.CharField(required=False),
    detail=s.CharField(required=False),
)
STUDY: Fields = {
    "id": s.CharField(help_text="std_..."),
    "object": s.CharField(),
    "kind": s.ChoiceField(["dicom", "image"]),
    "modality": s.CharField(allow_blank=True),
    "body_part": s.CharField(allow_blank=True),
    "study_uid": s.CharField(allow_blank=True),
    "description": s.CharField(allow_blank=True),
    "series": many(
        "Series", id=s.CharField(), modality=s.CharField(), description=s.CharField(), instances=s.IntegerField()
    ),
    "files": FileOutcome,
    "metadata": JSON(),
    "deidentification": inline_serializer(
        "Deidentification",
        {
            "mode": s.ChoiceField(["pseudonymise", "anonymise"]),
            "profile": s.CharField(),
            "files": s.IntegerField(),
            "attributes": many(
                "DeidentifiedAttribute", attribute=s.CharField(), action=s.CharField(), count=s.IntegerField()
            ),
            "private_attributes": s.IntegerField(),
            "unknown_attributes": s.IntegerField(),
        },
        allow_null=True,
        help_text="null where files are kept as they came",
    ),
    "held": inline_serializer(
        "Held",
        {"signs": s.ListField(child=s.CharField()), "since": s.DateTimeField()},
        allow_null=True,
        help_text="why no job may run on the study before a person has released it",
    ),
    "legal_hold": s.BooleanField(help_text="whether the study may not be deleted"),
    "created_at": s.DateTimeField(),
}
Study = shape("Study", **STUDY)
LISTED_STUDY: Fields = {
    **STUDY,
    "files": s.ListField(child=s.DictField(), allow_null=True, help_text="null in lists: each study tells its own"),
}
StudyList = listing("Study", many("StudyItem", **LISTED_STUDY))
Upload = {
    "multipart/form-data": {
        "type": "object",
        "required": ["files"],
        "properties": {
            "files": {
                "type": "array",
                "items": {"type": "string", "format": "binary"},
                "description": "DICOM, a zip of DICOM, PNG or JPEG; repeated",
            },
            "description": {"type": "string"},
            "metadata": {"type": "string", "description": "a JSON object"},
        },
    }
}

Money: Fields = {"amount": s.IntegerField(help_text="minor units"), "currency": s.CharField()}
Quote = shape("Quote", unit=s.CharField(), quantity=s.CharField(), **Money)
QuotaState: Fields = {
    "meter": s.CharField(),
    "plugin": s.CharField(),
    "limit": s.CharField(allow_null=True),
    "used": s.CharField(),
    "reserved": s.CharField(),
    "hard": s.BooleanField(),
    "resets_at": s.DateTimeField(allow_null=True),
}
Estimate = shape("Estimate", quote=Quote, quota=many("Quota", **QuotaState))
JOB: Fields = {
    "id": s.CharField(help_text="job_..."),
    "object": s.CharField(),
    "study": s.CharField(allow_null=True),
    "plugin": s.CharField(),
    "plugin_version": s.CharField(),
    "state": s.ChoiceField(["queued", "running", "succeeded", "failed", "cancelled", "expired"]),
    "attempt": s.IntegerField(),
    "params": JSON(),
    "priority": s.ChoiceField(["low", "normal", "high"]),
    "progress": shape("Progress", fraction=s.FloatField(), stage=s.CharField()),
    "queue_position": s.IntegerField(allow_null=True),
    "created_at": s.DateTimeField(),
    "started_at": s.DateTimeField(allow_null=True),
    "finished_at": s.DateTimeField(allow_null=True),
    "quote": Quote,
    "usage": inline_serializer(
        "JobUsage", {"id": s.CharField(), "unit": s.CharField(), "quantity": s.CharField(), **Money}, allow_null=True
    ),
    "error": JSON(allow_null=True, help_text="a problem object"),
    "metadata": JSON(),
    "urls": shape("JobUrls", self=s.URLField(), result=s.URLField(), report=s.URLField(), cancel=s.URLField()),
}
Job = shape("Job", **JOB)
JobList = listing("Job", many("JobItem", **JOB))

Numbers = s.ListField(child=s.FloatField())
Location = shape(
    "Location",
    site=JSON(allow_null=True),
    centroid_px=Numbers,
    centroid_mm=s.ListField(child=s.FloatField(), allow_null=True),
    bbox_px=s.ListField(child=s.FloatField()),
    bbox_mm=s.ListField(child=s.FloatField(), allow_null=True),
    instances=many("InstanceReference", sop_instance_uid=s.CharField(), frame=s.IntegerField(), best=s.BooleanField()),
)
SIZES = (
    "long_axis_px", "short_axis_px", "long_axis_mm", "short_axis_mm", "mean_diameter_mm", "area_mm2", "volume_mm3"
)  # fmt: skip
Size = shape(
    "Size",
    **{name: s.FloatField(allow_null=not name.endswith("_px")) for name in SIZES},
    spacing_source=s.ChoiceField(["PixelSpacing", "ImagerPixelSpacing", "user", "none"]),
)
Finding = many(
    "Finding",
    id=s.CharField(),
    tracking_uid=s.CharField(),
    type=shape("FindingType", code=s.CharField(), scheme=s.CharField(), display=s.CharField(), slug=s.CharField()),
    score=s.FloatField(allow_null=True, help_text="null for a finding that a person added"),
    location=Location,
    size=Size,
    contours=many("Contour", frame=s.IntegerField(), points=JSON()),
    truncated=s.BooleanField(),
    review=shape(
        "FindingReview",
        status=s.ChoiceField(["unreviewed", "accepted", "edited", "rejected", "added"]),
        reason=s.CharField(allow_blank=True),
        reviewer=s.CharField(allow_null=True),
        reviewed_at=s.DateTimeField(allow_null=True),
    ),
)
Advice = many(
    "Advice",
    slug=s.CharField(),
    text=s.CharField(),
    because=s.ListField(child=s.CharField()),
    guideline=s.CharField(),
    version=s.CharField(),
    source=s.CharField(),
    findings=s.ListField(child=s.IntegerField(), help_text="numbers of findings, from 1"),
    after_months=s.ListField(child=s.IntegerField(), allow_null=True, help_text="from and to, from now"),
)
CHANGE: Fields = {
    "now": s.IntegerField(allow_null=True, help_text="number of the finding in this result, from 1"),
    "before": s.IntegerField(allow_null=True, help_text="number of the finding in the earlier result"),
    "measure": s.ChoiceField(["", "volume_mm3", "mean_diameter_mm"]),
    **{
        name: s.FloatField(allow_null=True) for name in ("value_now", "value_before", "growth_percent", "doubling_days")
    },
    "course": s.ChoiceField(["new", "gone", "grown", "shrunk", "unchanged", "not_measured"]),
}
Comparison = inline_serializer(
    "Comparison",
    {
        "prior_job": s.CharField(),
        "prior_taken_at": s.DateTimeField(allow_null=True),
        "days_between": s.IntegerField(allow_null=True),
        "changes": many("Change", **CHANGE),
        "notes": s.ListField(child=s.CharField()),
    },
    allow_null=True,
)
Result = shape(
    "Result",
    id=s.CharField(),
    object=s.CharField(),
    job=s.CharField(),
    status=s.ChoiceField(["findings", "no_findings", "predictions"]),
    findings=Finding,
    predictions=JSON(allow_null=True),
    notes=s.ListField(child=s.CharField()),
    measures=JSON(),
    advice=Advice,
    comparison=Comparison,
    report=shape("Report", html=s.URLField(), pdf=s.URLField()),
    artifacts=many(
        "Artifact",
        kind=s.CharField(),
        media_type=s.CharField(),
        url=s.URLField(),
        sha256=s.CharField(help_text=OF_THE_STORED),
        revision=s.IntegerField(help_text="0 until the result was signed"),
        language=s.CharField(allow_null=True),
    ),
    model=shape("Model", plugin=s.CharField(), version=s.CharField(), weights_sha256=s.CharField()),
    disclaimer=s.CharField(),
    created_at=s.DateTimeField(),
    conclusion=s.CharField(allow_blank=True),
    signature=inline_serializer(
        "Signature", {"signer": s.CharField(), "signed_at": s.DateTimeField()}, allow_null=True
    ),
    addenda=many("Addendum", author=s.CharField(), text=s.CharField(), created_at=s.DateTimeField()),
    revision=s.IntegerField(help_text="0 until signed; one more with the signature and with each addendum"),
    version=s.IntegerField(help_text="counts every act; the ETag, for If-Match"),
)
REVIEW: Fields = {
    "id": s.CharField(help_text="rev_..."),
    "object": s.CharField(),
    "result": s.CharField(),
    "finding": s.CharField(allow_null=True),
    "act": s.ChoiceField(["accepted", "edited", "rejected", "added", "withdrawn", "concluded"]),
    "text": s.CharField(allow_blank=True, help_text="the reason, or the conclusion"),
    "reviewer": s.CharField(),
    "version": s.IntegerField(),
    "created_at": s.DateTimeField(),
}
Review = shape("Review", **REVIEW)
ReviewList = listing("Review", many("ReviewItem", **REVIEW))

OutputList = listing(
    "Output",
    many(
        "Output",
        object=s.CharField(),
        kind=s.ChoiceField(list(KINDS)),
        available=s.BooleanField(),
        code=s.CharField(allow_null=True, help_text="why it can not be had"),
        detail=s.CharField(allow_null=True),
        media_type=s.CharField(help_text="several DICOM objects come as application/zip"),
        url=s.URLField(help_text="made when first asked for"),
        revision=s.IntegerField(allow_null=True),
        sha256=s.CharField(allow_null=True, help_text=f"null until it was made; {OF_THE_STORED}"),
        size_bytes=s.IntegerField(allow_null=True, help_text=OF_THE_STORED),
        created_at=s.DateTimeField(allow_null=True),
    ),
)
ARTIFACT_PARAMETERS = [
    parameter(
        "identity",
        "pseudonym gives the stored file; without it, patient, study and UIDs of a study that was pseudonymised on"
        " arrival are those that were sent. The answer's header Assay-Identity says which it is: reidentified; stored;"
        " erased, which is the stored file because the key of the way back was dropped",
    )
]
OUTPUT_PARAMETERS = [
    parameter("lang", "en or zh, the language of the document; else that of Accept-Language"),
    *ARTIFACT_PARAMETERS,
]

PLUGIN: Fields = {
    **{
        name: s.CharField()
        for name in ("slug", "object", "version", "title", "description", "intended_use", "disclaimer")
    },
    "medical": s.BooleanField(),
    "inputs": JSON(),
    "params_schema": JSON(),
    "output_schema": JSON(),
    "unit": s.CharField(),
    "price": JSON(allow_null=True),
    "enabled": s.BooleanField(),
    "card_url": s.URLField(),
}
Plugin = shape("Plugin", **PLUGIN)
PluginList = listing("Plugin", many("PluginItem", **PLUGIN))

Me = shape(
    "Me",
    object=s.CharField(),
    tenant=JSON(),
    actor=s.CharField(),
    scopes=s.ListField(child=s.CharField()),
    plan=s.CharField(allow_null=True),
    quota=many("MyQuota", **QuotaState),
)

PAGE = [
    parameter("limit", "1 to 100", OpenApiTypes.INT),
    parameter("cursor", "next_cursor of the page before"),
    *(parameter(f"created_at[{c}]", "RFC 3339", OpenApiTypes.DATETIME) for c in ("gte", "gt", "lte", "lt")),
]
STUDY_FILTERS = [*PAGE, parameter("modality", "exact"), parameter("kind", "dicom or image")]
JOB_FILTERS = [*PAGE, *(parameter(name, "exact") for name in ("state", "plugin", "study"))]
PREFER = [
    parameter("Prefer", "wait=N holds the answer until the job ended", where=OpenApiParameter.HEADER),
    parameter("Idempotency-Key", "the same key and body give the first answer again", where=OpenApiParameter.HEADER),
]
POLL_PARAMETERS = [
    parameter("wait", "hold until the state changes, at most 60 s", OpenApiTypes.INT),
    parameter("If-None-Match", "an ETag; 304 when nothing changed", where=OpenApiParameter.HEADER),
]
REPORT_PARAMETERS = [parameter("language", "en or zh-hans; without it the language of Accept-Language")]
RENDER_PARAMETERS = [
    parameter("frame", "from 1", OpenApiTypes.INT),
    parameter("max", "longest edge in pixels, at most 2048", OpenApiTypes.INT),
]
IF_MATCH = [
    parameter("If-Match", "the ETag of the result as it was read; 412 when it changed", where=OpenApiParameter.HEADER),
    parameter("Idempotency-Key", "the same key and body give the first answer again", where=OpenApiParameter.HEADER),
]
