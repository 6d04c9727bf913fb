"""Prices to try, and a way to show that a property would notice a broken rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from billing.domain.rating import PriceModel, PriceRule, Tier

amounts = st.decimals(min_value=0, max_value=1000, places=12)
wholes = st.integers(min_value=0, max_value=16)
fractions = st.one_of(st.decimals(min_value=0, max_value=20, places=6), wholes.map(Decimal))
"""Quantities, often at the edge of a tier or of a package."""
UNHURRIED = settings(
    max_examples=500,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


def refuted(check: Callable[..., None], *examples: st.SearchStrategy[Any]) -> bool:
    """Whether some example breaks the property; what `check` raises beside `AssertionError` goes through."""
    try:
        UNHURRIED(given(st.tuples(*examples))(lambda values: check(*values)))()
    except AssertionError:
        return True
    return False


@st.composite
def tiered(draw: st.DrawFn, model: PriceModel) -> PriceRule:
    bounds = sorted(draw(st.sets(st.integers(min_value=1, max_value=12), max_size=4)))
    limits: Iterable[Decimal | None] = [*(Decimal(bound) for bound in bounds), None]
    return PriceRule(model, tiers=tuple(Tier(limit, draw(amounts), draw(amounts)) for limit in limits))


def packages(sizes: st.SearchStrategy[Decimal]) -> st.SearchStrategy[PriceRule]:
    return st.builds(
        lambda amount, size, free: PriceRule(PriceModel.PACKAGE, amount, (), size, free),
        amounts, sizes, st.integers(0, 8).map(Decimal),
    )  # fmt: skip


graduated = tiered(PriceModel.GRADUATED)
volume = tiered(PriceModel.VOLUME)
per_unit = st.builds(lambda amount: PriceRule(PriceModel.PER_UNIT, amount), amounts)
flat = st.builds(lambda amount: PriceRule(PriceModel.FLAT, amount), amounts)
package = packages(st.integers(1, 6).map(Decimal))
odd_package = packages(st.decimals(min_value="0.000001", max_value=20, places=6))
never_dropping = st.one_of(graduated, per_unit, flat, package, odd_package)
rules = st.one_of(never_dropping, volume)
