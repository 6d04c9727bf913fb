"""Which credits are used up first, and that none appears or is lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.domain.credits import GrantBalance, burn, burn_order, spendable
from billing.domain.money import exact_arithmetic, total
from tests.billing.properties import refuted

NOW = datetime(2027, 3, 1, tzinfo=UTC)
Taken = list[tuple[UUID, Decimal]]
Burn = Callable[[list[GrantBalance], Decimal, datetime], Taken]
amounts = st.decimals(min_value=0, max_value=1000, places=6)
expiries = st.one_of(st.none(), st.integers(-2, 5).map(lambda days: NOW + timedelta(days=days)))
ids = st.integers(0, 99).map(lambda number: UUID(int=number))
wallets = st.lists(
    st.builds(GrantBalance, ids, st.integers(0, 2), expiries, amounts),
    max_size=8, unique_by=lambda grant: grant.id,
)  # fmt: skip


def grant(number: int, priority: int, days: int | None, available: int = 10) -> GrantBalance:
    expires_at = None if days is None else NOW + timedelta(days=days)
    return GrantBalance(UUID(int=number), priority, expires_at, Decimal(available))


def test_the_order_is_priority_then_expiry_then_id() -> None:
    wallet = [grant(1, 1, 1), grant(2, 0, None), grant(4, 0, 9), grant(3, 0, 9), grant(5, 0, 2)]
    assert [each.id.int for each in sorted(wallet, key=burn_order)] == [5, 3, 4, 2, 1]
    assert [(id.int, part) for id, part in burn(wallet, Decimal(35), NOW)] == [(5, 10), (3, 10), (4, 10), (2, 5)]


def test_what_expires_now_is_expired() -> None:
    assert burn([grant(1, 0, 0), grant(2, 0, -1)], Decimal(5), NOW) == []
    assert spendable(grant(1, 0, 0), NOW - timedelta(microseconds=1)) == 10


def test_less_is_taken_where_there_is_not_enough() -> None:
    assert burn([grant(1, 0, None)], Decimal(25), NOW) == [(UUID(int=1), 10)]
    assert burn([grant(1, 0, None, -3), grant(2, 0, None, 0)], Decimal(25), NOW) == []


def test_nothing_is_taken_for_nothing_and_no_less_than_nothing() -> None:
    assert burn([grant(1, 0, None)], Decimal(0), NOW) == []
    with pytest.raises(ValueError, match="negative"):
        burn([grant(1, 0, None)], Decimal(-1), NOW)


def takes_what_is_there(wallet: list[GrantBalance], amount: Decimal, by: Burn = burn) -> None:
    """As much as is wanted or there, from each grant at most what it has, from an expired one nothing."""
    taken = by(wallet, amount, NOW)
    has = {each.id: spendable(each, NOW) for each in wallet}
    assert total(part for _, part in taken) == min(amount, total(has.values()))
    assert all(0 < part <= has[id] for id, part in taken)


def keeps_the_order(wallet: list[GrantBalance], amount: Decimal, by: Burn = burn) -> None:
    """A later grant is touched only when all earlier ones are used up."""
    taken = dict(by(wallet, amount, NOW))
    good = [each for each in sorted(wallet, key=burn_order) if spendable(each, NOW)]
    left = [each.available - taken.get(each.id, Decimal(0)) for each in good]
    touched = max((place for place, each in enumerate(good) if each.id in taken), default=0)
    assert not any(left[:touched])


def replays(wallet: list[GrantBalance], wanted: list[Decimal]) -> None:
    """After any number of burns each grant is what was consumed and what remains."""
    remaining = {each.id: each for each in wallet}
    consumed = {each.id: Decimal(0) for each in wallet}
    with exact_arithmetic():
        for amount in wanted:
            for id, part in burn(remaining.values(), amount, NOW):
                old = remaining[id]
                remaining[id] = GrantBalance(id, old.priority, old.expires_at, old.available - part)
                consumed[id] += part
        assert all(consumed[each.id] + remaining[each.id].available == each.available for each in wallet)
    assert all(each.available >= 0 for each in remaining.values())


@given(wallets, amounts)
def test_exactly_what_is_wanted_is_taken_as_far_as_it_is_there(wallet: list[GrantBalance], amount: Decimal) -> None:
    takes_what_is_there(wallet, amount)


@given(wallets, amounts)
def test_grants_are_used_up_in_their_order(wallet: list[GrantBalance], amount: Decimal) -> None:
    keeps_the_order(wallet, amount)


@given(wallets, st.lists(amounts, max_size=6))
def test_a_grant_is_what_was_consumed_and_what_remains(wallet: list[GrantBalance], wanted: list[Decimal]) -> None:
    replays(wallet, wanted)


@given(wallets, amounts, st.randoms())
def test_the_order_of_the_rows_does_not_matter(wallet: list[GrantBalance], amount: Decimal, random: object) -> None:
    shuffled = sorted(wallet, key=lambda _: random.random())  # type: ignore[attr-defined]
    assert burn(shuffled, amount, NOW) == burn(wallet, amount, NOW)


def unordered(wallet: list[GrantBalance], amount: Decimal, now: datetime) -> Taken:
    same = [GrantBalance(each.id, 0, each.expires_at, each.available) for each in wallet]
    return burn(same, amount, now)


def without_expiry(wallet: list[GrantBalance], amount: Decimal, now: datetime) -> Taken:
    return burn([GrantBalance(each.id, each.priority, None, each.available) for each in wallet], amount, now)


def from_one_grant(wallet: list[GrantBalance], amount: Decimal, now: datetime) -> Taken:
    return burn(wallet, amount, now)[:1]


def test_control_broken_burns_break_the_rules() -> None:
    assert refuted(lambda wallet, amount: keeps_the_order(wallet, amount, unordered), wallets, amounts)
    assert refuted(lambda wallet, amount: takes_what_is_there(wallet, amount, without_expiry), wallets, amounts)
    assert refuted(lambda wallet, amount: takes_what_is_there(wallet, amount, from_one_grant), wallets, amounts)
