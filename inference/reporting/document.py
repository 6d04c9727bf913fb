"""A report as it is read, in one language: nothing but texts, the same for the page and the PDF."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from inference import notes
from inference.domain.reading import Addendum, Reading, Signature
from inference.plugins.base import Text
from inference.reporting import figures
from inference.reporting.compared import ComparisonPart, comparison_part
from inference.reporting.facts import Facts, ModelFacts, StudyFacts
from inference.reporting.findings import FindingRow, PredictionRow, finding_rows, prediction_rows
from inference.reporting.key_images import KeyImage
from inference.reporting.pictures import PictureRow, picture_rows
from inference.reporting.reviewed import edits_of
from inference.reporting.technique import SeriesRow, series_rows

LANGUAGES = ("en", "zh-hans")


@dataclass(frozen=True, slots=True)
class Row:
    """A fact with its name."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class AdvicePart:
    """One piece of advice with its reasons and where it was read."""

    text: str
    because: tuple[str, ...]
    guideline: str
    source: str
    findings: str


@dataclass(frozen=True, slots=True)
class AddendumPart:
    """Words added after the signature."""

    text: str
    written: str


@dataclass(frozen=True, slots=True)
class ReportDocument:
    """All parts in the order in which they are read; an empty part is left out.

    `state` says who stands for the report; `is_final` whether it is signed. `has_images` and no `pictures` means that
    none could be shown, which `pictures_note` explains.
    """

    language: str
    institution: str
    title: str
    job: str
    medical: bool
    is_final: bool
    state: str
    revision: str
    disclaimer: str
    study: tuple[Row, ...]
    series: tuple[SeriesRow, ...]
    summary: str
    findings: tuple[FindingRow, ...]
    findings_note: str
    predictions: tuple[PredictionRow, ...]
    pictures: tuple[PictureRow, ...]
    pictures_note: str
    comparison: ComparisonPart | None
    advice: tuple[AdvicePart, ...]
    edits: tuple[str, ...]
    conclusion: str
    addenda: tuple[AddendumPart, ...]
    notes: tuple[str, ...]
    model: tuple[Row, ...]
    card_url: str
    limits: tuple[str, ...]


def document_of(facts: Facts, images: Sequence[KeyImage], language: str, card_url: str = "") -> ReportDocument:
    """The report of these facts with these pictures; `language` is one of `LANGUAGES`."""
    with translation.override(language):
        reading = facts.reading
        findings = finding_rows(reading, facts.study.header if facts.study else None)
        return ReportDocument(
            language=language,
            institution=facts.institution,
            title=in_language(facts.model.title) or facts.model.plugin,
            job=facts.job,
            medical=facts.model.medical,
            is_final=reading.signature is not None,
            state=state_of(reading, facts.model.medical),
            revision=_("Revision %(number)s") % {"number": reading.revision} if reading.revision else "",
            disclaimer=facts.disclaimer["zh_hans" if language.startswith("zh") else "en"],
            study=study_rows(facts),
            series=series_rows(facts.study.header, reading) if facts.study else (),
            summary=summary_of(facts),
            findings=findings,
            findings_note=findings_note(reading, findings),
            predictions=prediction_rows(facts.predictions),
            pictures=picture_rows(images),
            pictures_note=pictures_note(facts, len(images)),
            comparison=comparison_part(facts.comparison),
            advice=tuple(advice_parts(facts)),
            edits=edits_of(reading),
            conclusion=reading.conclusion,
            addenda=tuple(addendum_part(one) for one in reading.addenda),
            notes=tuple(notes.in_language(note) for note in facts.notes),
            model=model_rows(facts.model),
            card_url=card_url,
            limits=tuple(_(limit) for limit in facts.model.limits),
        )


def in_language(text: Text | None) -> str:
    """A plugin's text in the active language."""
    if text is None:
        return ""
    return text.zh_hans if (translation.get_language() or "").startswith("zh") else text.en


def state_of(reading: Reading, medical: bool) -> str:
    """Who stands for the report; of what is not medical no physician is missed."""
    if reading.signature:
        return signed(reading.signature)
    if not medical:
        return ""
    if any(one.status != "unreviewed" for one in reading.findings) or reading.conclusion:
        return _("Preliminary: reviewed in part, not signed.")
    return _("Preliminary: not reviewed by a physician.")


def signed(signature: Signature) -> str:
    return _("Signed by %(signer)s, %(moment)s") % {
        "signer": signature.signer,
        "moment": figures.moment(signature.signed_at),
    }


def study_rows(facts: Facts) -> tuple[Row, ...]:
    """What is known of the examination; unknown facts are left out."""
    study = facts.study
    known = [Row(_("Job"), facts.job), Row(_("Analysed"), figures.moment(facts.finished_at))]
    return (*(examination_rows(study) if study else ()), *known)


def examination_rows(study: StudyFacts) -> list[Row]:
    header = study.header
    rows = [
        (_("Study"), study.description),
        (_("Taken"), figures.day(study.taken_at) if study.taken_at else ""),
        (_("Received"), figures.moment(study.received_at)),
        (_("Modality"), header.modality),
        (_("Body part"), header.body_part),
        (_("Study UID"), header.study_uid),
    ]
    return [Row(label, value) for label, value in rows if value]


def summary_of(facts: Facts) -> str:
    """One sentence: how many findings stand, and the largest of them."""
    standing = facts.reading.standing
    if not standing:
        return "" if facts.predictions else nothing_stands(facts.reading)
    if len(standing) == 1:
        return _("1 finding: %(type)s, %(size)s.") % {
            "type": _(standing[0].finding.type.display), "size": figures.axes(standing[0].finding.size),
        }  # fmt: skip
    counted = ngettext("%(number)s finding", "%(number)s findings", len(standing)) % {"number": len(standing)}
    largest = max(standing, key=lambda one: one.finding.size.long_axis_mm or one.finding.size.long_axis_px)
    size = figures.axes(largest.finding.size)
    return _("%(counted)s; the largest is no. %(number)s, %(size)s.") % {
        "counted": counted, "number": largest.number, "size": size,
    }  # fmt: skip


def nothing_stands(reading: Reading) -> str:
    if reading.findings:
        return _("No finding stands: all that the analysis marked were rejected.")
    return _("The analysis found nothing. That does not mean that nothing is there.")


def findings_note(reading: Reading, rows: Sequence[FindingRow]) -> str:
    """In which coordinates places are told, and what their unit rests on."""
    sources = sorted({one.finding.size.spacing_source for one in reading.standing})
    told = ", ".join(_(figures.SOURCES[source]) for source in sources)
    if not rows:
        return ""
    scale = _("Scale: %(sources)s.") % {"sources": told}
    if not any(one.finding.location.centroid_mm for one in reading.standing):
        return f"{scale} {_('Positions are pixels of the image, column first.')}"
    return f"{scale} {_('Positions in mm are patient coordinates: towards left, back and head.')}"


def pictures_note(facts: Facts, shown: int) -> str:
    """Why pictures are missing."""
    if facts.has_images and facts.study is None:
        return _("The images of this study were deleted.")
    if shown < len(facts.shots):
        return _("Some images could not be read and are left out.")
    if facts.sought > shown:
        return _("The first %(shown)s of %(all)s images") % {"shown": shown, "all": facts.sought}
    return ""


def advice_parts(facts: Facts) -> list[AdvicePart]:
    return [
        AdvicePart(
            text=notes.told(one.text),
            because=tuple(notes.told(reason) for reason in one.because),
            guideline=f"{_(one.guideline)}, {one.version}" if one.version else _(one.guideline),
            source=one.source,
            findings=", ".join(str(each) for each in one.findings),
        )
        for one in facts.advice
    ]


def addendum_part(addendum: Addendum) -> AddendumPart:
    return AddendumPart(addendum.text, f"{addendum.author}, {figures.moment(addendum.written_at)}")


def model_rows(model: ModelFacts) -> tuple[Row, ...]:
    rows = [
        (_("Analysis"), f"{model.plugin} {model.version}"),
        (_("Intended use"), in_language(model.intended_use)),
        (_("Weights (SHA-256)"), model.weights_sha256),
    ]
    return tuple(Row(label, value) for label, value in rows if value)
