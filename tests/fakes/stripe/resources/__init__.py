"""The resources, one file for each group. Importing this package registers all their routes."""

from tests.fakes.stripe.resources import (
    catalogue,
    credit_notes,
    customers,
    discounts,
    invoices,
    meters,
    payments,
    previews,
    subscriptions,
    webhooks,
)

LOADED = (catalogue, credit_notes, customers, discounts, invoices, meters, payments, previews, subscriptions, webhooks)
