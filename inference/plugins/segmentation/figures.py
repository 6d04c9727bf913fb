"""The figures of a model card: sensitivity by size, FROC, false marks, overlap, size error, calibration, AUROC."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from inference.plugins.segmentation.matching import Seen, Truth
from inference.plugins.segmentation.scoring import UNCALIBRATED, Scoring

# upper bounds of size groups in mm, with their names
Bins = Sequence[tuple[float, str]]
FROC_SCORES = (0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9)
LARGE_MM = 10.0


def figures(seen: Sequence[Seen], scoring: Scoring, bins: Bins, case: str) -> dict[str, Any]:
    """All figures at the shipped threshold; `case` names what a case is ("film", "scan")."""
    truths = [truth for one in seen for truth in one.truths]
    hits = [truth for truth in truths if is_hit(truth, scoring, scoring.threshold)]
    large, large_hits = ([t for t in group if t.diameter >= LARGE_MM] for group in (truths, hits))
    normals = [one for one in seen if not one.truths]
    return {
        f"{case}s": len(seen),
        "lesions": len(truths),
        "sensitivity": share(len(hits), len(truths)),
        "sensitivity_10_mm_and_more": share(len(large_hits), len(large)),
        "sensitivity_by_size": by_size(truths, hits, bins),
        f"false_marks_per_{case}": false_rate(seen, scoring),
        f"normal_{case}s": len(normals),
        f"false_marks_per_normal_{case}": false_rate(normals, scoring),
        "froc": [froc_point(seen, scoring, threshold) for threshold in FROC_SCORES],
        "dice_of_hits": mean([truth.dice for truth in hits]),
        "diameter_error_of_hits": mean([truth.size_error for truth in hits]),
        "calibration_error_before": calibration_error(seen, UNCALIBRATED),
        "calibration_error_after": calibration_error(seen, scoring),
    }


def is_hit(truth: Truth, scoring: Scoring, threshold: float) -> bool:
    return truth.peak > 0 and scoring.score(truth.peak) >= threshold


def by_size(truths: Sequence[Truth], hits: Sequence[Truth], bins: Bins) -> dict[str, dict[str, float]]:
    found = {}
    low = 0.0
    for high, name in bins:
        within, hit = ([t for t in group if low <= t.diameter < high] for group in (truths, hits))
        found[name] = {"lesions": len(within), "sensitivity": share(len(hit), len(within))}
        low = high
    return found


def false_rate(seen: Sequence[Seen], scoring: Scoring, threshold: float | None = None) -> float:
    """Marks beside every lesion, per case."""
    least = scoring.threshold if threshold is None else threshold
    return share(sum(not m.hit and scoring.score(m.peak) >= least for one in seen for m in one.marks), len(seen))


def froc_point(seen: Sequence[Seen], scoring: Scoring, threshold: float) -> dict[str, float]:
    """One point of the FROC curve: sensitivity and false marks per case from this score on."""
    truths = [truth for one in seen for truth in one.truths]
    hits = sum(is_hit(truth, scoring, threshold) for truth in truths)
    return {"score": threshold, "sensitivity": share(hits, len(truths)), "false": false_rate(seen, scoring, threshold)}


def calibration_error(seen: Sequence[Seen], scoring: Scoring) -> float:
    """Expected calibration error over ten bins of the score."""
    marks = [(scoring.score(mark.peak), mark.hit) for one in seen for mark in one.marks]
    bins = [[pair for pair in marks if min(int(pair[0] * 10), 9) == number] for number in range(10)]
    gaps = (abs(sum(s for s, _ in one) - sum(h for _, h in one)) for one in bins if one)
    return share(float(sum(gaps)), len(marks))


def auroc(strangers: Sequence[float], known: Sequence[float]) -> float:
    """How well a figure that is larger for strangers parts the two: 0.5 is chance, 1 is perfect."""
    others = np.array(known)
    wins = sum(float((others < one).mean() + 0.5 * (others == one).mean()) for one in strangers)
    return share(wins, len(strangers))


def spread(runs: Sequence[dict[str, Any]], names: Sequence[str]) -> dict[str, dict[str, float]]:
    """Mean and standard deviation of figures over the runs of several seeds."""
    values = {name: np.array([run[name] for run in runs], dtype=float) for name in names}
    return {name: {"mean": round(float(v.mean()), 4), "sd": round(float(v.std()), 4)} for name, v in values.items()}


def share(part: float, whole: int) -> float:
    return round(float(part) / whole, 4) if whole else 0.0


def mean(values: Sequence[float]) -> float:
    return share(sum(values), len(values))
