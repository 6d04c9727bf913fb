"""Outputs of a result: made when first asked for, and kept. Nothing is built inside of a transaction."""

from __future__ import annotations

import hashlib
import io
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog
from django.db.models import QuerySet
from pydicom import dcmread
from pydicom.dataset import Dataset

from inference.domain.errors import UserError
from inference.domain.reading import Reading
from inference.domain.study import InstanceHeader, StudyHeader
from inference.intake import configured, storage
from inference.intake.headers import study_header
from inference.intake.pool import Source as Blob
from inference.models import Artifact, Result
from inference.outputs import papers
from inference.outputs.errors import (
    NeedsDicom,
    NeedsFindings,
    NeedsOutlines,
    NotBuilt,
    OriginalsGone,
    OutputTooLarge,
)
from inference.outputs.kinds import KINDS, Kind
from inference.outputs.material import Analysis, Material, exportable
from inference.outputs.source import Source, read_source
from inference.plugins import registry as plugins
from inference.reading import reading_of
from tenants.context import tenant_context

MOST_BYTES = 128 * 1024 * 1024
REPORT = "dicom_sr"
REFUSALS = (ValueError, TypeError, AttributeError, KeyError, OverflowError)
"""What the libraries raise for values that the standard has no place for."""
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Offer:
    """A kind of output of one result: what was made of it in its present revision, or why it can not be made."""

    kind: Kind
    made: Artifact | None
    refusal: UserError | None


@dataclass(frozen=True, slots=True)
class Order:
    """What the database knows of an output that is to be made."""

    result: Result
    kind: Kind
    language: str
    reading: Reading
    study: StudyHeader | None
    kept: Artifact | None
    predecessor: str


def of(result: Result, name: str, language: str = "en") -> Artifact:
    """The output `name` (a key of `KINDS`) in the result's present revision. Call it outside of a transaction.

    1. Look whether it was made already.
    2. Refuse what this result can not have.
    3. Read the originals' headers, and build; all of it in memory and without the database.
    4. Keep it; whoever comes second gets the first one's.

    Raises `OutputUnavailable`, `OriginalsGone`, `UnsuitableHeader`, `NotBuilt`, `OutputTooLarge`, `UnreadableFile`.
    """
    with tenant_context(result.tenant_id):
        order = ordered(result, KINDS[name], language)
        refusal = refusal_of(result, order.kind, order.reading)
    if order.kept:
        return order.kept
    if refusal:
        raise refusal
    return keep(order, built(order))


def offers(result: Result) -> list[Offer]:
    """All kinds in the order of the table. Needs the tenant's scope."""
    reading = exportable(reading_of(result))
    rows = Artifact.objects.for_tenant(result.tenant_id).filter(result=result, revision=reading.revision)
    made = {row.kind: row for row in rows.order_by("-language")}
    return [Offer(kind, made.get(name), refusal_of(result, kind, reading)) for name, kind in KINDS.items()]


def ordered(result: Result, kind: Kind, language: str) -> Order:
    """Read what is needed of the database. Needs the tenant's scope."""
    reading = exportable(reading_of(result))
    tongue = language if kind.has_document else ""
    rows = Artifact.objects.for_tenant(result.tenant_id).filter(result=result)
    study = result.job.study
    return Order(
        result=result,
        kind=kind,
        language=tongue,
        reading=reading,
        study=study_header(study) if study else None,
        kept=rows.filter(kind=kind.name, revision=reading.revision, language=tongue).first(),
        predecessor=predecessor_of(rows.filter(kind=REPORT, revision__lt=reading.revision).order_by("-revision")),
    )


def predecessor_of(rows: QuerySet[Artifact]) -> str:
    """The digest of the newest of earlier reports, empty where none was made."""
    newest = rows.first()
    return newest.sha256 if newest else ""


def refusal_of(result: Result, kind: Kind, reading: Reading) -> UserError | None:
    """Why the result can not have the output, as far as the database tells. Needs the tenant's scope."""
    if result.status == "predictions":
        return NeedsFindings()
    study = result.job.study
    if kind.needs_dicom and study is None and result.job.inline is None:
        return OriginalsGone()
    if kind.needs_dicom and (study is None or study.kind != "dicom"):
        return NeedsDicom()
    outlined = any(one.finding.contours for one in reading.standing)
    shown = any(one.finding.location.instances for one in reading.standing)
    if (kind.has_outlines and not outlined) or (kind.has_pictures and not (outlined or shown)):
        return NeedsOutlines()
    return None


def built(order: Order) -> bytes:
    """The output's bytes. What a library has against the originals is told as `NotBuilt`, and logged."""
    material = gathered(order)
    try:
        content = order.kind.build(material)
    except REFUSALS as error:
        raise not_built(order.kind.name, error) from error
    if len(content) > MOST_BYTES:
        raise OutputTooLarge(limit=MOST_BYTES)
    return content


def not_built(name: str, error: Exception) -> NotBuilt:
    """Log what a library refused. Its texts may quote a header: only the kind of the error and its place are told."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(place.filename).name}:{place.lineno}"
    log.error("an output was not built", output=name, reason=type(error).__name__, where=where)
    return NotBuilt()


def gathered(order: Order) -> Material:
    """What the builder needs, and nothing more: pictures and documents take long."""
    result, reading, kind = order.result, order.reading, order.kind
    return Material(
        analysis=analysis_of(result),
        source=source_of(order),
        reading=reading,
        language=order.language,
        pictures=papers.key_images(result, reading) if kind.has_pictures else (),
        document=papers.report_pdf(result, reading, order.language) if kind.has_document else b"",
        predecessor=predecessor(order),
    )


def source_of(order: Order) -> Source:
    """The originals' headers; without them where they are gone and the kind can do without."""

    def open_original(instance: InstanceHeader) -> Blob:
        if not storage.exists(order.result.tenant_id, instance.sha256):
            raise OriginalsGone
        return storage.source(order.result.tenant_id, instance.sha256)

    try:
        return read_source(order.study, order.reading, configured.pool(), open_original)
    except OriginalsGone:
        if order.kind.needs_dicom:
            raise
        return Source(order.study)


def predecessor(order: Order) -> Dataset | None:
    """The report of an earlier revision, which is our own file."""
    if order.kind.name != REPORT or not order.predecessor:
        return None
    return dcmread(io.BytesIO(storage.read(order.result.tenant_id, order.predecessor)))


def analysis_of(result: Result) -> Analysis:
    """The provenance of a result, in English: an object is read wherever it goes."""
    model: Mapping[str, str] = result.model
    return Analysis(
        result_id=result.id,
        slug=model["plugin"],
        version=model["version"],
        title=title_of(model["plugin"]),
        weights_sha256=model.get("weights_sha256", ""),
        disclaimer=result.disclaimer.get("en", ""),
        notes=tuple(result.notes),
        found_at=result.created_at,
    )


def title_of(slug: str) -> str:
    """The title of the plugin, its slug where it is not installed any more."""
    plugin = plugins.installed().get(slug)
    return plugin.manifest.title.en if plugin else slug


def keep(order: Order, content: bytes) -> Artifact:
    """Store the bytes, then the row: of two who built the same, the second gets the first one's row."""
    tenant_id, sha256 = order.result.tenant_id, hashlib.sha256(content).hexdigest()
    storage.put_bytes(tenant_id, content)
    with tenant_context(tenant_id):
        row, _ = Artifact.objects.for_tenant(tenant_id).get_or_create(
            tenant_id=tenant_id, result=order.result, kind=order.kind.name, revision=order.reading.revision,
            language=order.language,
            defaults={"media_type": order.kind.type_of(content), "sha256": sha256, "size_bytes": len(content)},
        )  # fmt: skip
    if row.sha256 != sha256:
        # a builder that is not exact to the byte: no row will ever name these
        storage.delete(tenant_id, sha256)
    kept: Artifact = row
    return kept
