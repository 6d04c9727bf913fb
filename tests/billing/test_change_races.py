"""Changes and runs of the cycle at once: what happens, happens once."""

from __future__ import annotations

from itertools import pairwise

import pytest

from billing import changes, clock, cycle, subscriptions
from billing.models import BillingInterval
from tenants.context import tenant_context
from tests.billing.race import failures, race
from tests.billing.terms_of import act, change, fees, sell, spans, subscribe, totals, utc
from tests.conftest import Party, make_party

pytestmark = pytest.mark.django_db(transaction=True)
START, END = utc("2027-01-31T09:30"), utc("2027-02-28T09:30")
HALF = START + (END - START) / 2


@pytest.fixture
def alice(transactional_db: None) -> Party:
    """The tenant, in a database that other connections see."""
    sell("small", "1000")
    sell("large", "3000")
    sell("yearly", "30000", interval=BillingInterval.YEAR)
    return make_party("alice")


def test_many_runs_of_a_late_cycle_do_everything_once(alice: Party) -> None:
    subscribe(alice.tenant, "small", START)
    change(alice.tenant, HALF, "yearly", when="period_end")

    def run(_: int) -> int:
        with clock.at(END.replace(year=2028)):
            return len(cycle.close_due(END.replace(year=2028)))

    made = race(5, run)
    assert failures(made) == []
    assert sum(count for count in made if isinstance(count, int)) == 2
    assert [each[2] for each in totals(alice.tenant)] == [1000, 30000]
    assert [each[0] for each in spans(alice.tenant)] == ["small", "yearly"]


def test_many_that_look_at_once_write_a_planned_change_once(alice: Party) -> None:
    subscribe(alice.tenant, "small", START)
    change(alice.tenant, HALF, "large", when="period_end")

    def look(_: int) -> None:
        with clock.at(END), tenant_context(alice.tenant.id):
            seen = subscriptions.subscription_of(alice.tenant.id)
            assert seen is not None
            subscriptions.roll(seen, END)

    assert failures(race(5, look)) == []
    assert [each[0] for each in spans(alice.tenant)] == ["small", "large"]


def test_changes_at_once_leave_one_course_behind(alice: Party) -> None:
    subscribe(alice.tenant, "small", START)

    def one(number: int) -> None:
        act(alice.tenant, HALF, changes.change_plan, ("large", "small")[number % 2], when="now")

    assert failures(race(6, one)) == []
    found = spans(alice.tenant)
    assert all(before[3] == after[2] for before, after in pairwise(found))
    assert found[-1][3] is None


def test_an_end_and_a_change_at_once_leave_no_gap_and_no_second_fee(alice: Party) -> None:
    subscribe(alice.tenant, "small", START)

    def one(number: int) -> None:
        if number % 2:
            act(alice.tenant, HALF, changes.cancel, when="now")
        else:
            act(alice.tenant, HALF, changes.change_plan, "large", when="now")

    race(4, one)
    assert spans(alice.tenant)[-1][3] == HALF
    assert fees(alice.tenant) == 500
