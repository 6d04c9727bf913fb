"""Does every place say the same? Ledger, outbox, the provider's meters and invoices, compared once a day."""

from billing.reconciliation.runs import fine, message_of, run

__all__ = ["fine", "message_of", "run"]
