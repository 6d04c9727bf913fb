"""The resources, one file for each group. Importing this package registers all their routes."""

from tests.fakes.stripe.resources import catalogue, customers

LOADED = (catalogue, customers)
