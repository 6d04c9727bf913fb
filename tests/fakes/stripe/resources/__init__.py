"""The resources, one file for each group. Importing this package registers all their routes."""

from tests.fakes.stripe.resources import (
    catalogue,
    checkout,
    credit_notes,
    customers,
    discounts,
    invoices,
    meters,
    payments,
    portal,
    previews,
    subscription_items,
    subscriptions,
    webhooks,
)

LOADED = (
    catalogue,
    checkout,
    credit_notes,
    customers,
    discounts,
    invoices,
    meters,
    payments,
    portal,
    previews,
    subscription_items,
    subscriptions,
    webhooks,
)
