"""Billing for the operator, one module for each part of the house; importing them registers their pages."""

from billing.admin import books, catalogue, customers, figures, money, providers, wallet

__all__ = ["books", "catalogue", "customers", "figures", "money", "providers", "wallet"]
