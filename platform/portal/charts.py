"""A chart of days as numbers for SVG. Amounts become pixels here and nowhere else; the table beside is exact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 720, 230, 8, 32, 26
MOST_LABELS = 8


@dataclass(frozen=True, slots=True)
class Bar:
    """One day; its date stands below it where `label` is not 0: where it is 1 also on a narrow screen."""

    day: date
    amount: Decimal
    x: Decimal
    y: Decimal
    width: Decimal
    height: Decimal
    label: int

    @property
    def middle(self) -> Decimal:
        """Where its date stands."""
        return self.x + self.width / 2


@dataclass(frozen=True, slots=True)
class Chart:
    """All in units of the drawing; `highest` is the amount of the top line."""

    width: int
    height: int
    floor: int
    top: int
    highest: Decimal
    bars: list[Bar]


def daily(amounts: Mapping[date, Decimal], first: date, last: date) -> Chart:
    """A bar for each day from `first` to `last`, both of them included; a day without an amount has none."""
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    highest = max(amounts.values(), default=Decimal(0))
    step = Decimal(WIDTH - 2 * LEFT) / max(len(days), 1)
    every = -(-len(days) // MOST_LABELS)
    bars = [_bar(day, amounts.get(day, Decimal(0)), number, step, highest, every) for number, day in enumerate(days)]
    return Chart(WIDTH, HEIGHT, HEIGHT - BOTTOM, TOP, highest, bars)


def _bar(day: date, amount: Decimal, number: int, step: Decimal, highest: Decimal, every: int) -> Bar:
    room = HEIGHT - TOP - BOTTOM
    height = room * amount / highest if highest else Decimal(0)
    # what is not nothing is seen
    height = max(height, Decimal(2)) if amount else height
    label = 0 if number % every else 1 + number // every % 2
    return Bar(day, amount, LEFT + number * step, HEIGHT - BOTTOM - height, step * Decimal("0.72"), height, label)
