"""Credit notes: what the crediting of lines comes to after discount and tax. Pure; whole minor units.

Lines are credited at what stands on them, before discount and tax. A note's net and tax are differences of what all
notes so far come to, so that the notes of a whole invoice sum to its total exactly, however it is divided.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Sums:
    """The sums of an invoice."""

    subtotal: int
    discount: int
    tax: int


@dataclass(frozen=True, slots=True)
class Credited:
    """What a note takes off: `net` after the discount, and the tax on it."""

    net: int
    tax: int

    @property
    def total(self) -> int:
        return self.net + self.tax


def credited(sums: Sums, before: int, amount: int) -> Credited:
    """What crediting `amount` of the subtotal comes to, after `before` was credited by earlier notes.

    Raises `ValueError` for what is not above zero, or goes beyond the subtotal.
    """
    if amount <= 0 or before < 0 or before + amount > sums.subtotal:
        raise ValueError("no more than the subtotal can be credited")
    net = sums.subtotal - sums.discount
    return Credited(
        share(net, before + amount, sums.subtotal) - share(net, before, sums.subtotal),
        share(sums.tax, before + amount, sums.subtotal) - share(sums.tax, before, sums.subtotal),
    )


def share(whole: int, part: int, of: int) -> int:
    """`whole * part / of`, half up; none of the three is negative."""
    return (2 * whole * part + of) // (2 * of)


def fits(line: int, before: int, amount: int) -> bool:
    """Whether `amount` can still be credited of a line, charge or deduction, of which `before` was credited."""
    return min(0, line) <= before + amount <= max(0, line) and amount * line > 0


def left_of(lines: Mapping[UUID, int], before: Mapping[UUID, int]) -> dict[UUID, int]:
    """What is left to credit of each line that has something left."""
    left = {line: amount - before.get(line, 0) for line, amount in lines.items()}
    return {line: amount for line, amount in left.items() if amount}
