"""What the physician changed in the findings of the analysis, one sentence each."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.translation import gettext as _

from inference.domain.reading import ReadFinding, Reading
from inference.domain.report import Finding
from inference.reporting import figures

TELL: tuple[Callable[[Finding], str], ...] = (
    lambda finding: _(finding.type.display),
    lambda finding: figures.site(finding.location.site),
    lambda finding: figures.axes(finding.size),
)


def edits_of(reading: Reading) -> tuple[str, ...]:
    """Rejected, edited and added findings, in the order of their numbers."""
    return tuple(text for one in reading.findings if (text := edit_of(one)))


def edit_of(one: ReadFinding) -> str:
    """The sentence, empty for a finding that stands as the analysis gave it."""
    if one.status == "rejected":
        what = "; ".join(tell(one.machine or one.finding) for tell in TELL)
        told = _("No. %(number)s rejected (%(what)s).") % {"number": one.number, "what": what}
    elif one.status == "edited":
        told = _("No. %(number)s edited: %(what)s.") % {"number": one.number, "what": differences(one)}
    elif one.status == "added":
        told = _("No. %(number)s added by the physician.") % {"number": one.number}
    else:
        return ""
    return f"{told} {_('Reason: %(reason)s') % {'reason': one.reason}}" if one.reason else told


def differences(one: ReadFinding) -> str:
    """What the analysis said, and what stands now."""
    if one.machine is None:
        return _("outline or place")
    pairs = [(tell(one.machine), tell(one.finding)) for tell in TELL]
    return "; ".join(f"{before} → {now}" for before, now in pairs if before != now) or _("outline or place")
