"""Our closed invoices at Stripe: always with our total.

Where Stripe makes an invoice of the period itself (a subscription with metered prices), that draft becomes ours: what
its own lines do not charge as ours do is added as one balance. Everywhere else a draft is made, one item for each of
our lines.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from stripe import Invoice, StripeClient

from billing.providers.base import Rejected, TryAgain
from billing.providers.orders import InvoiceOrder, InvoiceRef
from billing.providers.stripe.client import call, options
from billing.providers.stripe.shapes import plain, subscription_of_invoice
from billing.providers.stripe.subscriptions import collection

INVOICE, LINE = "assay_invoice", "assay_line"
REST = "assay_rest_of"
"""In the metadata of a second invoice: what the first one, that Stripe had finalised, did not charge."""
SAME_PERIOD = timedelta(days=1)
MINUTE = 60


def hold(client: StripeClient, external_id: str, *, key: str) -> None:
    """A draft that Stripe would finalise within the hour waits for us."""
    if call(client.v1.invoices.retrieve, external_id).status == "draft":
        call(client.v1.invoices.update, external_id, {"auto_advance": False}, options(key))


def push(client: StripeClient, order: InvoiceOrder) -> InvoiceRef:
    """Make, or bring, Stripe's invoice to ours, finalise it and begin to collect. Safe to repeat at any point."""
    known = _known(client, order)
    if known is not None:
        return _finish(client, order, known)
    cycle = _of_cycle(client, order) if order.cycle_of else None
    if cycle is not None and cycle.status != "draft":
        return _rest(client, order, cycle)
    if cycle is None and order.cycle_of and not order.ended_early:
        raise TryAgain("Stripe has not made its invoice of the period yet", after=MINUTE)
    return _finish(client, order, cycle if cycle is not None else _create(client, order))


def void(client: StripeClient, external_id: str, *, key: str) -> None:
    """Nobody owes it any more."""
    status = call(client.v1.invoices.retrieve, external_id).status
    if status == "draft":
        call(client.v1.invoices.delete, external_id)
    elif status in ("open", "uncollectible"):
        call(client.v1.invoices.void_invoice, external_id, {}, options(key))
    elif status == "paid":
        raise Rejected("the invoice was paid at Stripe meanwhile")


def settle(client: StripeClient, external_id: str, *, key: str) -> None:
    """Paid elsewhere: Stripe collects it no more."""
    if call(client.v1.invoices.retrieve, external_id).status in ("open", "uncollectible"):
        call(client.v1.invoices.pay, external_id, {"paid_out_of_band": True}, options(key))


def give_up(client: StripeClient, external_id: str, *, key: str) -> None:
    """Stop to collect it."""
    if call(client.v1.invoices.retrieve, external_id).status == "open":
        call(client.v1.invoices.mark_uncollectible, external_id, {}, options(key))


def _known(client: StripeClient, order: InvoiceOrder) -> Invoice | None:
    """What an earlier attempt has begun, told by its metadata."""
    if order.external_id:
        return call(client.v1.invoices.retrieve, order.external_id)
    return next((each for each in _recent(client, order) if _local_id(each) == str(order.invoice_id)), None)


def _of_cycle(client: StripeClient, order: InvoiceOrder) -> Invoice | None:
    """Stripe's own invoice of the period, which belongs to none of ours yet."""
    for each in _recent(client, order):
        far = abs((each.period_end or 0) - order.period_end.timestamp()) >= SAME_PERIOD.total_seconds()
        same = subscription_of_invoice(plain(each)) == order.cycle_of and not far and each.status != "void"
        if same and not _local_id(each) and each.billing_reason != "subscription_create":
            return each
    return None


def _recent(client: StripeClient, order: InvoiceOrder) -> list[Invoice]:
    return list(call(client.v1.invoices.list, {"customer": order.customer, "limit": 100}).data)


def _local_id(invoice: Invoice, name: str = INVOICE) -> str:
    return str((plain(invoice).get("metadata") or {}).get(name, ""))


def _create(client: StripeClient, order: InvoiceOrder, *, name: str = INVOICE) -> Invoice:
    params: Any = {
        "customer": order.customer,
        "currency": order.currency,
        "auto_advance": False,
        "pending_invoice_items_behavior": "exclude",
        "description": order.number,
        "metadata": {name: str(order.invoice_id)},
        **collection(by_transfer=order.by_transfer, days_until_due=order.days_until_due),
    }
    return call(client.v1.invoices.create, params, options(f"{name}:{order.invoice_id.hex}"))


def _finish(client: StripeClient, order: InvoiceOrder, invoice: Invoice) -> InvoiceRef:
    items: dict[str, str] = {}
    if invoice.status == "draft":
        if subscription_of_invoice(plain(invoice)):
            _adopt(client, order, invoice)
        else:
            items = _write_lines(client, order, invoice.id)
        invoice = _finalise(client, order, invoice.id)
    return InvoiceRef(invoice.id, invoice.total, invoice.hosted_invoice_url or "", items)


def _write_lines(client: StripeClient, order: InvoiceOrder, external_id: str) -> dict[str, str]:
    """One item for each line that has none yet; Stripe's ids by our keys."""
    rows = call(client.v1.invoice_items.list, {"invoice": external_id, "limit": 100}).auto_paging_iter()
    written = {str((plain(row).get("metadata") or {}).get(LINE, "")): row.id for row in rows}
    for line in order.lines:
        if line.amount and line.key not in written:
            params: Any = {
                "customer": order.customer,
                "invoice": external_id,
                "amount": line.amount,
                "currency": order.currency,
                "description": line.description,
                "metadata": {LINE: line.key},
            }
            written[line.key] = call(client.v1.invoice_items.create, params, options(line.key)).id
    return written


def _adopt(client: StripeClient, order: InvoiceOrder, draft: Invoice) -> None:
    """Stripe's draft takes our name; the difference to our total becomes one item."""
    metadata: Any = {"auto_advance": False, "description": order.number, "metadata": {INVOICE: str(order.invoice_id)}}
    call(client.v1.invoices.update, draft.id, metadata, options(f"adopt:{order.invoice_id.hex}"))
    _balance(client, order, draft.id, draft.total)


def _balance(client: StripeClient, order: InvoiceOrder, external_id: str, there: int) -> None:
    difference = order.total - there
    if not difference:
        return
    params: Any = {
        "customer": order.customer,
        "invoice": external_id,
        "amount": difference,
        "currency": order.currency,
        "description": f"Balance to {order.number}",
        "metadata": {LINE: f"balance:{order.invoice_id.hex}"},
    }
    key = f"balance:{order.invoice_id.hex}:{there}:{difference}"
    call(client.v1.invoice_items.create, params, options(key))


def _finalise(client: StripeClient, order: InvoiceOrder, external_id: str) -> Invoice:
    total = call(client.v1.invoices.retrieve, external_id).total
    if total != order.total:
        raise TryAgain(f"Stripe's draft says {total}, ours {order.total}", after=MINUTE)
    return _finalised(client, external_id)


def _finalised(client: StripeClient, external_id: str) -> Invoice:
    params: Any = {"auto_advance": True}
    return call(client.v1.invoices.finalize_invoice, external_id, params, options(f"finalise:{external_id}"))


def _rest(client: StripeClient, order: InvoiceOrder, finalised: Invoice) -> InvoiceRef:
    """Stripe was faster than we: what its invoice lacks goes on one of its own; it can not be made to take less."""
    rest = order.total - finalised.total
    if rest < 0:
        raise Rejected(f"Stripe has finalised {finalised.total}, ours is {order.total}: credit the difference there")
    if rest:
        _charge_rest(client, order, finalised.total)
    adopted: Any = {"metadata": {INVOICE: str(order.invoice_id)}}
    call(client.v1.invoices.update, finalised.id, adopted, options(f"adopt:{order.invoice_id.hex}"))
    return InvoiceRef(finalised.id, order.total, finalised.hosted_invoice_url or "")


def _charge_rest(client: StripeClient, order: InvoiceOrder, there: int) -> None:
    begun = [each for each in _recent(client, order) if _local_id(each, REST) == str(order.invoice_id)]
    extra = begun[0] if begun else _create(client, order, name=REST)
    if extra.status == "draft":
        _balance(client, order, extra.id, there)
        _finalised(client, extra.id)
