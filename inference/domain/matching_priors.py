"""Which finding of an earlier study is which finding of this one. Plain geometry, no framework.

1. Pairs that are each other's nearest show how the patient lay: their median displacement is the shift, if enough of
   them agree on it.
2. With the shift taken off, pairs are taken by their distance, the nearest first, each finding at most once.
3. A pair counts only within a gate that grows with the larger of the two, and only on the same side of the body.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

Place = tuple[float, ...]

# a shift is believed when so many pairs agree on it: one pair alone would make any two findings the same
FEWEST_PAIRS = 3


@dataclass(frozen=True, slots=True)
class Spot:
    """A finding as a place: its number, coordinates, extent in the same unit, and laterality (R, L, B or empty)."""

    number: int
    place: Place
    extent: float = 0.0
    side: str = ""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far apart one lesion may lie in two studies: `gate` beside half of its extent, `farthest` for the shift."""

    gate: float
    farthest: float


@dataclass(frozen=True, slots=True)
class Pair:
    """One lesion in both studies; `apart` is the distance that is left when the shift is taken off."""

    now: Spot
    before: Spot
    apart: float


# mm: breathing and posture move a nodule by a centimetre or so beside what a rigid shift explains
IN_PATIENT = Tolerance(gate=12.0, farthest=40.0)
# shares of the image: a film is turned, centred and projected anew each time
ON_FILM = Tolerance(gate=0.1, farthest=0.1)


def match(now: Sequence[Spot], before: Sequence[Spot], tolerance: Tolerance) -> tuple[Pair, ...]:
    """The lesions that are in both studies, by number of `now`. No spot is in two pairs."""
    shift = shift_of(now, before, tolerance)
    near = [pair for pair in pairs(now, before, shift) if pair.apart <= reach(pair, tolerance)]
    taken_now: set[int] = set()
    taken_before: set[int] = set()
    matched = []
    for pair in sorted(near, key=order):
        if pair.now.number not in taken_now and pair.before.number not in taken_before:
            matched.append(pair)
            taken_now.add(pair.now.number)
            taken_before.add(pair.before.number)
    return tuple(sorted(matched, key=lambda pair: pair.now.number))


def shift_of(now: Sequence[Spot], before: Sequence[Spot], tolerance: Tolerance) -> Place | None:
    """By how much the places of `now` lie beside those of `before`, at most `farthest`; None where few pairs agree."""
    apart = [displacement(pair) for pair in mutually_nearest(list(pairs(now, before, None)))]
    if len(apart) < FEWEST_PAIRS:
        return None
    shift = tuple(median(axis) for axis in zip(*apart, strict=True))
    if sum(math.dist(one, shift) <= tolerance.gate for one in apart) < FEWEST_PAIRS:
        return None
    length = math.hypot(*shift)
    return shift if length <= tolerance.farthest else tuple(part * tolerance.farthest / length for part in shift)


def pairs(now: Sequence[Spot], before: Sequence[Spot], shift: Place | None) -> Iterator[Pair]:
    """Each spot with each one of the other study that may be the same by its side."""
    for one in now:
        for other in before:
            if one.side in ("", "B", other.side) or other.side in ("", "B"):
                moved = other.place if shift is None else tuple(map(sum, zip(other.place, shift, strict=True)))
                yield Pair(one, other, round(math.dist(one.place, moved), 6))


def mutually_nearest(candidates: Sequence[Pair]) -> list[Pair]:
    """The pairs of which each is the other's nearest; where two are equally near, neither tells anything."""
    from_now, from_before = nearest(candidates, of_now=True), nearest(candidates, of_now=False)
    return [
        pair
        for pair in candidates
        if from_now.get(pair.now.number) is pair and from_before.get(pair.before.number) is pair
    ]


def nearest(candidates: Sequence[Pair], *, of_now: bool) -> dict[int, Pair]:
    """The one nearest pair of each spot of one study, by number; none for a spot with two of them."""
    found: dict[int, list[Pair]] = {}
    for pair in candidates:
        number = pair.now.number if of_now else pair.before.number
        best = found.setdefault(number, [pair])
        if pair.apart < best[0].apart:
            found[number] = [pair]
        elif pair is not best[0] and pair.apart == best[0].apart:
            best.append(pair)
    return {number: best[0] for number, best in found.items() if len(best) == 1}


def displacement(pair: Pair) -> Place:
    return tuple(a - b for a, b in zip(pair.now.place, pair.before.place, strict=True))


def reach(pair: Pair, tolerance: Tolerance) -> float:
    """How far apart the two may lie: a large lesion's centre moves more when its outline changes."""
    return tolerance.gate + max(pair.now.extent, pair.before.extent) / 2


def order(pair: Pair) -> tuple[float, Place, Place]:
    """By distance; places, and not the order of the lists, decide between equal ones."""
    first, second = sorted((pair.now.place, pair.before.place))
    return pair.apart, first, second
