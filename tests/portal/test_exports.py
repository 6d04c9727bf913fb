"""Tables for spreadsheets: whole, in pieces, and safe to open."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.urls import reverse

from billing import clock
from portal import exports
from tests.portal.money import House, downloaded, logged_in


def rows(text: str) -> list[list[str]]:
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text[1:])))


@pytest.mark.database_free
@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "＝1", '=HYPERLINK("x")'])
def test_no_text_is_run_as_a_formula(cell: str) -> None:
    [_head, [written]] = rows("".join(exports.lines(["a"], [[cell]])).replace("\r\n", "\n"))
    assert written.startswith("'")


@pytest.mark.database_free
def test_numbers_stay_numbers_and_plain_texts_stay_as_they_are() -> None:
    at = datetime(2026, 1, 31, 8, tzinfo=UTC)
    text = "".join(exports.lines(["a", "b", "c", "d", "e"], [[Decimal("-5.00"), 7, 'a, "b"', at, None]]))
    assert rows(text)[1] == ["-5", "7", 'a, "b"', "2026-01-31T08:00:00+00:00", ""]


@pytest.mark.database_free
@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [("1250", "usd", "12.5"), ("0.5", "usd", "0.005"), ("500", "jpy", "500"), ("1", "kwd", "0.001"),
     ("12345678901234567890.123456789012345678", "usd", "123456789012345678.90123456789012345678")],
)  # fmt: skip
def test_amounts_are_in_major_units_to_the_last_digit(amount: str, currency: str, written: str) -> None:
    assert exports.written(exports.exact_major(Decimal(amount), currency)) == written


@pytest.mark.django_db
def test_use_comes_whole_in_batches_with_the_readers_words(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "BATCH", 2)
    house.work(5)
    owner = house.client("owner")
    table = rows(downloaded(owner.get(reverse("portal:usage-export"))))
    assert len(table) == 6
    assert len({row[1] for row in table[1:]}) == 5
    assert table[0][0] == "Time"
    assert {row[-1] for row in table[1:]} == {"USD"}
    chinese = owner.get(reverse("portal:usage-export"), headers={"Accept-Language": "zh-Hans"})
    assert rows(downloaded(chinese))[0][0] == "时间"


@pytest.mark.django_db
def test_a_range_has_its_last_day_and_nothing_beyond(house: House) -> None:
    house.work()
    owner, path = house.client("owner"), reverse("portal:usage-export")
    today = clock.now().date().isoformat()
    assert len(rows(downloaded(owner.get(f"{path}?from={today}&to={today}")))) == 2
    assert len(rows(downloaded(owner.get(f"{path}?from=2020-01-01&to=2020-12-31")))) == 1
    for bad in ("from=soon", "from=2026-02-30", "to=0001-01-01", "from=99999-01-01"):
        assert owner.get(f"{path}?{bad}").status_code == 400, bad


@pytest.mark.django_db
def test_a_table_of_credits_neutralises_a_reason_and_tells_what_they_burnt(house: House) -> None:
    house.give(1000, "=cmd()")
    house.work(101)
    owner = house.client("owner")
    [_heads, grant] = rows(downloaded(owner.get(reverse("portal:credits-export"))))
    assert grant[2] == "'=cmd()"
    assert grant[4:7] == ["10", "3", "0"]
    assert grant[-2:] == ["7", "USD"]
    [_heads, burned] = rows(downloaded(owner.get(reverse("portal:credits-used-export"))))
    assert burned[-2:] == ["3", "USD"]


@pytest.mark.django_db
def test_invoices_are_a_table_and_a_stranger_gets_an_empty_one(house: House) -> None:
    invoice = house.close_period()
    [_heads, row] = rows(downloaded(house.client("owner").get(reverse("portal:invoices-export"))))
    assert row[0] == invoice.number
    assert row[-5:] == ["0", "199", "0", "0", "USD"]
    stranger = logged_in(house.stranger.owner, house.stranger.tenant)
    assert len(rows(downloaded(stranger.get(reverse("portal:credits-export"))))) == 1
