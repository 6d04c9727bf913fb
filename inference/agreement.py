"""How far people agree with the models: of signed results, what became of the findings of each model and type."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

from django.db.models import Count, OuterRef, Subquery
from django.db.models.fields.json import KeyTextTransform

from inference.models import Finding, Review, ReviewAct

COUNTED = ("accepted", "edited", "rejected", "added")


@dataclass(frozen=True, slots=True)
class Agreement:
    """One type of finding of one model; the type is the model's own, that of an added finding the person's."""

    plugin: str
    version: str
    slug: str
    accepted: int = 0
    edited: int = 0
    rejected: int = 0
    added: int = 0

    @property
    def total(self) -> int:
        return self.accepted + self.edited + self.rejected + self.added

    @property
    def rate(self) -> float:
        """The share, 0 to 1, of what people looked at or added that stands as the model told it."""
        return self.accepted / self.total


def agreement() -> list[Agreement]:
    """All models, in order of their names. Needs the operator's scope: it looks across tenants."""
    last = Review.objects.filter(finding=OuterRef("pk")).order_by("-sequence").values("act")[:1]
    signed = Finding.objects.filter(result__signature__isnull=False).annotate(
        plugin=KeyTextTransform("plugin", "result__model"),
        version=KeyTextTransform("version", "result__model"),
        last=Subquery(last),
    )
    rows = signed.values_list("plugin", "version", "slug", "by_person", "last").annotate(Count("pk")).order_by()
    counts: dict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
    for plugin, version, slug, by_person, act, number in rows:
        if act != ReviewAct.WITHDRAWN:
            counts[plugin, version, slug]["added" if by_person else act] += number
    return [
        Agreement(*model, *(of_model[verdict] for verdict in COUNTED)) for model, of_model in sorted(counts.items())
    ]
