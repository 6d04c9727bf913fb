"""Rating: what a quantity costs. Exact and pure; amounts are minor units with up to 12 digits after the point."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from billing.domain.money import ZERO, exact_arithmetic

AMOUNT_DIGITS, QUANTITY_DIGITS = 12, 6
"""After the point; their product is what an amount of use can need."""
LARGEST_AMOUNT, LARGEST_QUANTITY = Decimal(10**20), Decimal(10**12)
"""The first that the tables can not hold."""


class PriceModel(StrEnum):
    """How the price of a quantity is found.

    flat: one amount, whatever the quantity. per_unit: the same for each unit. graduated: each unit at the amount of
    the tier that it lies in. volume: all units at the amount of the tier that their total lies in. package: in
    packages of a size, of which one that is begun is charged whole.
    """

    FLAT = "flat"
    PER_UNIT = "per_unit"
    GRADUATED = "graduated"
    VOLUME = "volume"
    PACKAGE = "package"


TIERED = (PriceModel.GRADUATED, PriceModel.VOLUME)


class InvalidPrice(ValueError):
    """The price can not be rated; the text says why."""


@dataclass(frozen=True, slots=True)
class Tier:
    """Units up to and including `up_to` (None: all the rest), each at `unit_amount`; `flat_amount` on entering."""

    up_to: Decimal | None
    unit_amount: Decimal
    flat_amount: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class PriceRule:
    """A price: `amount` for flat, per unit and one package, `tiers` for graduated and volume.

    Only a package price has a `package_size` and `free_units`, which come before the first package.
    """

    model: PriceModel
    amount: Decimal = ZERO
    tiers: tuple[Tier, ...] = ()
    package_size: Decimal = ZERO
    free_units: Decimal = ZERO

    @property
    def depends_on_position(self) -> bool:
        """Whether the same unit can cost differently, depending on how many came before it in the period."""
        return self.model != PriceModel.PER_UNIT

    @property
    def included(self) -> Decimal:
        """How many units come free: those before the first package, or a first graduated tier that costs nothing."""
        if self.model == PriceModel.PACKAGE:
            return self.free_units
        first = self.tiers[0] if self.model == PriceModel.GRADUATED and self.tiers else None
        free = first is not None and not first.unit_amount and not first.flat_amount
        return first.up_to or ZERO if first is not None and free else ZERO


@dataclass(frozen=True, slots=True)
class TierPart:
    """What one tier adds to the price of a quantity; `above` is where the tier begins.

    `amount` is `flat_amount` and `unit_amount` for each of `quantity`; where `packages` is given, for each of those.
    """

    above: Decimal
    up_to: Decimal | None
    quantity: Decimal
    unit_amount: Decimal
    flat_amount: Decimal
    amount: Decimal
    packages: Decimal | None = None


def rate(rule: PriceRule, quantity: Decimal) -> Decimal:
    """The exact price of `quantity` units from the first one on. Nothing used costs nothing, in every model.

    Raises `ValueError` for a negative quantity.
    """
    with exact_arithmetic():
        return sum((part.amount for part in breakdown(rule, quantity)), ZERO)


def marginal(rule: PriceRule, position: Decimal, quantity: Decimal) -> Decimal:
    """The exact price of the units in (position, position + quantity]; adjacent ones sum to the price of the whole.

    Negative where a volume price drops: the unit that reaches a cheaper tier makes all units before it cheaper.
    """
    with exact_arithmetic():
        return rate(rule, position + quantity) - rate(rule, position)


def breakdown(rule: PriceRule, quantity: Decimal) -> list[TierPart]:
    """The parts of the price: their quantities sum to `quantity`, their amounts to its price; none for nothing.

    Raises `ValueError` for a negative quantity.
    """
    if quantity < 0:
        raise ValueError("a quantity can not be negative")
    if quantity == 0:
        return []
    with exact_arithmetic():
        match rule.model:
            case PriceModel.FLAT:
                return [TierPart(ZERO, None, quantity, ZERO, rule.amount, rule.amount)]
            case PriceModel.PER_UNIT:
                return [TierPart(ZERO, None, quantity, rule.amount, ZERO, rule.amount * quantity)]
            case PriceModel.GRADUATED:
                return _graduated(rule, quantity)
            case PriceModel.VOLUME:
                return [_volume(rule, quantity)]
            case PriceModel.PACKAGE:
                return _packages(rule, quantity)


def _graduated(rule: PriceRule, quantity: Decimal) -> list[TierPart]:
    parts: list[TierPart] = []
    above = ZERO
    for tier in rule.tiers:
        if quantity <= above:
            break
        within = (quantity if tier.up_to is None else min(quantity, tier.up_to)) - above
        parts.append(_part(above, tier, within))
        above += within
    return parts


def _volume(rule: PriceRule, quantity: Decimal) -> TierPart:
    above = ZERO
    for tier in rule.tiers:
        if tier.up_to is None or quantity <= tier.up_to:
            return _part(above, tier, quantity)
        above = tier.up_to
    raise InvalidPrice("the last tier must be open: up_to null")


def _part(above: Decimal, tier: Tier, quantity: Decimal) -> TierPart:
    amount = tier.flat_amount + quantity * tier.unit_amount
    return TierPart(above, tier.up_to, quantity, tier.unit_amount, tier.flat_amount, amount)


def _packages(rule: PriceRule, quantity: Decimal) -> list[TierPart]:
    free = min(quantity, rule.free_units)
    beyond = quantity - free
    parts = [TierPart(ZERO, rule.free_units, free, ZERO, ZERO, ZERO, ZERO)] if free else []
    if beyond:
        whole, begun = divmod(beyond, rule.package_size)
        packages = whole + (1 if begun else 0)
        amount = packages * rule.amount
        parts.append(TierPart(rule.free_units, None, beyond, rule.amount, ZERO, amount, packages))
    return parts


def check(rule: PriceRule) -> None:
    """Raises `InvalidPrice` unless every quantity has exactly one price that is not negative."""
    for amount in (rule.amount, *(each for tier in rule.tiers for each in (tier.unit_amount, tier.flat_amount))):
        _check_number(amount, "an amount", AMOUNT_DIGITS, LARGEST_AMOUNT)
    _check_package(rule)
    if rule.model not in TIERED:
        if rule.tiers:
            raise InvalidPrice("only a graduated or a volume price has tiers")
        return
    if rule.amount:
        raise InvalidPrice(f"a {rule.model} price is told by its tiers alone")
    _check_bounds([tier.up_to for tier in rule.tiers])


def _check_package(rule: PriceRule) -> None:
    if rule.model != PriceModel.PACKAGE:
        if rule.package_size or rule.free_units:
            raise InvalidPrice("only a package price has a package size and free units")
        return
    _check_number(rule.package_size, "a package size", QUANTITY_DIGITS, LARGEST_QUANTITY)
    _check_number(rule.free_units, "the free units", QUANTITY_DIGITS, LARGEST_QUANTITY)
    if not rule.package_size:
        raise InvalidPrice("a package size must be above zero")


def _check_bounds(bounds: list[Decimal | None]) -> None:
    if not bounds or bounds[-1] is not None:
        raise InvalidPrice("the last tier must be open: up_to null")
    closed = [bound for bound in bounds[:-1] if bound is not None]
    if len(closed) != len(bounds) - 1:
        raise InvalidPrice("only the last tier may be open")
    for bound in closed:
        _check_number(bound, "the end of a tier", QUANTITY_DIGITS, LARGEST_QUANTITY)
    if any(low >= high for low, high in zip([ZERO, *closed], closed, strict=False)):
        raise InvalidPrice("tiers must ascend from above zero")


def _check_number(value: Decimal, what: str, digits: int, limit: Decimal) -> None:
    if not value.is_finite() or value < 0:
        raise InvalidPrice(f"{what} must be a number and must not be negative")
    if value >= limit:
        raise InvalidPrice(f"{what} must be below {limit:f}")
    if digits_of(value) > digits:
        raise InvalidPrice(f"{what} can have {digits} digits after the point")


def digits_of(value: Decimal) -> int:
    """How many digits after the point a finite number needs, be it as small as it likes."""
    _, digits, exponent = value.as_tuple()
    trailing = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    return max(0, -int(exponent) - trailing) if value else 0
