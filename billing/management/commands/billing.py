"""`manage.py billing advance | seed | check | rate | figures | sync | reconcile`: the operator's billing commands."""

from __future__ import annotations

import json
import re
from argparse import ArgumentTypeError
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing import books, clock, cycle, figures, figures_told, ledger, operating, seeds, simulate
from billing.domain.rating import InvalidPrice
from billing.errors import ClockGoesBack
from billing.models import Invoice
from tenants import ids


class Command(BaseCommand):
    """With `--json` each subcommand prints one JSON object on standard output and nothing else."""

    help = "Advance billing periods, make the standard plans, check the books, simulate a price."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        advance = actions.add_parser("advance", help="close all periods that end until a date, as invoices")
        advance.add_argument("--to", type=moment, required=True, metavar="DATE", help="2026-12-01 or with a time, UTC")
        seed = actions.add_parser("seed", help="make the standard meters and plans that are missing")
        check = actions.add_parser(
            "check",
            help="whether the ledger balances, and says what invoices, credits and usage say",
        )
        rate = actions.add_parser("rate", help="what a quantity costs by a price", description=simulate.DESCRIPTION)
        rate.add_argument("--price", required=True, metavar="JSON", help=simulate.PRICE_HELP)
        rate.add_argument("--quantity", required=True, metavar="N", help="units, up to 6 digits after the point")
        sync = actions.add_parser("sync", help="bring the catalogue to whoever collects; repeating it makes nothing")
        reconcile = actions.add_parser("reconcile", help="compare usage, outbox, provider, ledger and invoices")
        reconcile.add_argument("--from", dest="since", type=moment, required=True, metavar="DATE")
        reconcile.add_argument("--to", dest="until", type=moment, required=True, metavar="DATE", help="not included")
        month = actions.add_parser("figures", help="recurring revenue, use, credits, margins and debts of a month")
        month.add_argument("--month", type=first_of_month, metavar="YYYY-MM", help="this one if it is left out")
        month.add_argument("--currency", type=currency_code, metavar="usd", help="all that there are if it is left out")
        for action in (advance, seed, check, rate, sync, reconcile, month):
            action.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        actions: dict[str, Callable[..., dict[str, Any]]] = {
            "advance": self.advance,
            "seed": self.seed,
            "check": self.check_books,
            "rate": self.rate,
            "sync": operating.sync,
            "reconcile": self.reconcile,
            "figures": self.figures,
        }
        answer = actions[options["action"]](**options)
        if options["json"]:
            self.stdout.write(json.dumps(answer))
        else:
            self.stdout.write("\n".join(f"{name}: {_shown(value)}" for name, value in answer.items()))
        if answer.get("agrees") is False:
            raise CommandError("not everything agrees")
        if answer.get("failed"):
            raise CommandError("not everything could be copied")
        if answer.get("unbalanced") or answer.get("faults"):
            raise CommandError("the books do not balance")

    def advance(self, to: datetime, **_: Any) -> dict[str, Any]:
        """The invoices that were closed."""
        try:
            closed = cycle.advance(to)
        except ClockGoesBack as refusal:
            raise CommandError(refusal.detail) from refusal
        return {"reached": _utc(to), "invoices": [_row(invoice) for invoice in closed]}

    def seed(self, **_: Any) -> dict[str, Any]:
        """The plans that were made."""
        return {"plans": seeds.seed()}

    def check_books(self, **_: Any) -> dict[str, Any]:
        """The ledger transactions that do not balance, and the accounts that say another thing than their rows."""
        unbalanced = [str(each) for each in ledger.unbalanced()]
        return {"unbalanced": unbalanced, "faults": [_fault(each) for each in books.check_all()]}

    def rate(self, price: str, quantity: str, json: bool, **_: Any) -> dict[str, Any]:
        """The price of a quantity; the breakdown in words where people read it."""
        try:
            answer = simulate.simulate(price, quantity)
        except InvalidPrice as refusal:
            raise CommandError(str(refusal), returncode=2) from refusal
        return answer if json else {**answer, "breakdown": [simulate.in_words(row) for row in answer["breakdown"]]}

    def reconcile(self, since: datetime, until: datetime, **_: Any) -> dict[str, Any]:
        """The run of a range that has a length: an empty one would agree and prove nothing."""
        if since >= until:
            raise CommandError("--from must be before --to", returncode=2)
        return operating.reconcile(since, until)

    def figures(self, month: datetime | None, currency: str | None, json: bool, **_: Any) -> dict[str, Any]:
        """The operator's figures, by currency."""
        if month and month > clock.now():
            raise CommandError("the month has not begun", returncode=2)
        found = figures.of_month(month or figures.month_of(clock.now()), currency)
        if json:
            return {"figures": [figures_told.as_json(each) for each in found]}
        return {each.currency: [_cells(row) for row in figures_told.as_rows(each)] for each in found}


def first_of_month(text: str) -> datetime:
    """The first moment of a month written as 2026-12, UTC."""
    try:
        found = moment(f"{text}-01")
    except ArgumentTypeError as error:
        raise ArgumentTypeError(f"not a month: {text}") from error
    if found.year not in figures.YEARS:
        raise ArgumentTypeError(f"not a month: {text}")
    return found


def currency_code(text: str) -> str:
    """Three letters, small as in the tables."""
    if not re.fullmatch("[A-Za-z]{3}", text):
        raise ArgumentTypeError(f"not a currency: {text}")
    return text.lower()


def moment(text: str) -> datetime:
    """An ISO date (its first moment) or date and time; UTC where it names no zone."""
    try:
        if len(text) == len("2026-12-01"):
            return datetime.combine(date.fromisoformat(text), time(tzinfo=UTC))
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"not a date: {text}") from error
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _row(invoice: Invoice) -> dict[str, Any]:
    return {
        "id": ids.encode("inv", invoice.id),
        "number": invoice.number,
        "tenant": str(invoice.tenant_id),
        "state": invoice.state,
        "total": invoice.total,
        "currency": invoice.currency,
        "period": {"start": _utc(invoice.period_start), "end": _utc(invoice.period_end)},
    }


def _fault(fault: books.Fault) -> dict[str, str]:
    return {
        "tenant": str(fault.tenant),
        "account": fault.account,
        "currency": fault.currency,
        "booked": str(fault.booked),
        "counted": str(fault.counted),
    }


def _cells(row: tuple[str | int, ...]) -> dict[str, str | int]:
    """A figure without its currency and month, which stand above it."""
    return dict(zip(figures_told.HEADER[2:], row[2:], strict=True))


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _shown(value: Any) -> str:
    if not isinstance(value, list):
        return str(value)
    rows = (" ".join(str(part) for part in row.values()) if isinstance(row, dict) else str(row) for row in value)
    return "".join(f"\n  {row}" for row in rows) or "none"
