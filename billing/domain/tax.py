"""Tax, and the division of a whole amount into whole parts. Minor units."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from billing.domain.money import exact_arithmetic, round_half_up


def tax_on(net: int, percent: Decimal) -> int:
    """The tax on a net amount, rounded half up, once; that of a credit mirrors that of its charge.

    Raises `ValueError` for a negative rate.
    """
    if percent < 0:
        raise ValueError("a tax rate can not be negative")
    with exact_arithmetic():
        return round_half_up((net * percent).scaleb(-2))


def allocate(total: int, weights: Sequence[int]) -> list[int]:
    """Parts in proportion to the weights that sum to `total` exactly, each less than one unit off its share.

    Units that are left over go to the largest remainders, of equal ones to the first; a negative total mirrors the
    positive one. Raises `ValueError` for negative weights, and for a total that no weight can take.
    """
    whole = sum(weights)
    if any(weight < 0 for weight in weights) or (total and not whole):
        raise ValueError("weights can not be negative, and one must be above zero")
    if not total:
        return [0] * len(weights)
    shares = [divmod(abs(total) * weight, whole) for weight in weights]
    left_over = abs(total) - sum(share for share, _ in shares)
    by_remainder = sorted(range(len(shares)), key=lambda place: -shares[place][1])
    lucky = set(by_remainder[:left_over])
    sign = 1 if total > 0 else -1
    return [sign * (share + (place in lucky)) for place, (share, _) in enumerate(shares)]
