"""What operators do to invoices, payments, refunds and adjustments."""

from __future__ import annotations

from billing import adjustments, credit_notes, invoices, payments, refunds
from billing.admin.acts import Act, Data, Table
from billing.admin.forms import CreditNoteForm, PaymentForm, ReasonForm, RefundForm
from billing.admin.shown import money
from billing.admin.wallet_acts import told
from billing.models import Adjustment, AdjustmentKind, Invoice, Payment, Refund
from tenants.errors import UserError


def _pay(row: Invoice, data: Data, actor: str) -> str:
    made = payments.record(row, data["amount"], actor=actor, method=data["method"], reference=data["reference"])
    row.refresh_from_db()
    return f"{money(made.amount, row.currency)} were recorded; {money(row.amount_due, row.currency)} are still due."


def _worth(row: Invoice, data: Data) -> list[Table]:
    found = credit_notes.worth(row, data["amounts"])
    rows = [[name, money(amount, row.currency)] for name, amount in (("Net", found.net), ("Tax", found.tax))]
    return [Table("The credit note", (), [*rows, ["Together", money(found.total, row.currency)]])]


def _credit(row: Invoice, data: Data, actor: str) -> str:
    amounts = data["amounts"]
    detail = {
        "invoice": str(row.pk), "amounts": {str(line): amount for line, amount in amounts.items()},
        "currency": row.currency,
    }  # fmt: skip
    made = adjustments.request(
        row.tenant_id, AdjustmentKind.CREDIT_NOTE, credit_notes.worth(row, amounts).total, reason=data["reason"],
        actor=actor, detail=detail,
    )  # fmt: skip
    return told(made, "The credit note was issued.")


def _void(row: Invoice, data: Data, actor: str) -> str:
    invoices.void(row, reason=data["reason"], actor=actor)
    return f"{row.number} is void."


def _uncollectible(row: Invoice, data: Data, actor: str) -> str:
    invoices.mark_uncollectible(row, reason=data["reason"], actor=actor)
    return f"{row.number} was given up."


def _refund(row: Payment, data: Data, actor: str) -> str:
    detail = {"payment": str(row.pk), "credit_note": data["credit_note"] or None, "currency": row.currency}
    made = adjustments.request(
        row.tenant_id, AdjustmentKind.REFUND, data["amount"], reason=data["reason"], actor=actor, detail=detail
    )
    return told(made, "The refund was asked for.")


def _refuse_a_providers(row: Refund) -> None:
    """What a provider carries out, it tells the end of."""
    if row.payment.provider != payments.LOCAL:
        raise UserError("%(provider)s carries it out and tells what became of it.", provider=row.payment.provider)


def _gone(row: Refund, data: Data, actor: str) -> str:
    _refuse_a_providers(row)
    return "The refund is booked." if refunds.succeed(row) else "It had ended before."


def _failed(row: Refund, data: Data, actor: str) -> str:
    _refuse_a_providers(row)
    return "The refund has failed." if refunds.fail(row, data["reason"]) else "It had ended before."


def _approve(row: Adjustment, data: Data, actor: str) -> str:
    adjustments.approve(row, actor=actor)
    return "It was approved and carried out."


def _reject(row: Adjustment, data: Data, actor: str) -> str:
    adjustments.reject(row, actor=actor)
    return "It was rejected."


def _asked(row: Adjustment) -> list[Table]:
    """What one decides about, as the waiting row has it."""
    rows = [
        ["For", str(row.tenant)], ["What", str(row.get_kind_display())], ["Amount", money(row.amount, row.currency)],
        ["Reason", row.reason], ["Asked for by", row.requested_by],
        *([name, str(row.detail[name])] for name in row.detail),
    ]  # fmt: skip
    return [Table("", (), rows)]


PAY = Act(
    "Record a payment", "Record it", _pay, form=PaymentForm,
    notes=["Money that came by another way than a provider. Several payments may add up."],
)  # fmt: skip
CREDIT = Act(
    "Credit note", "Issue it", _credit, form=CreditNoteForm, preview=_worth,
    notes=["Write what is taken off each line, as it stands there. Discount and tax follow in proportion."],
)  # fmt: skip
VOID = Act(
    "Void the invoice", "Void it", _void, form=ReasonForm,
    notes=["Its bookings are reversed. Its use is on the next invoice; its fees are forgiven."],
)  # fmt: skip
UNCOLLECTIBLE = Act(
    "Give the invoice up", "Give it up", _uncollectible, form=ReasonForm,
    notes=["What is due becomes bad debt. It can still be paid."],
)  # fmt: skip
REFUND = Act(
    "Refund", "Ask for it", _refund, form=RefundForm,
    notes=["Who collected the money sends it back. Above the limit a second person has to approve."],
)  # fmt: skip
GONE = Act("The money has gone", "Book it", _gone, notes=["For refunds that are made by hand."])
FAILED = Act("The money did not go", "Note it", _failed, form=ReasonForm, notes=["It can be asked for again."])
APPROVE = Act(
    "Approve", "Approve and carry out", _approve, tables=_asked,
    notes=["Only another person than the one who asked for it can approve."],
)  # fmt: skip
REJECT = Act("Reject", "Reject", _reject, tables=_asked, notes=["Nothing is done to the customer's money."])
