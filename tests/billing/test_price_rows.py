"""Rows of prices and the rules that they stand for."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError

from billing.domain.rating import PriceModel, rate
from billing.models import Price
from billing.models.catalogue import PricingModel

pytestmark = pytest.mark.database_free


def test_every_model_can_be_chosen() -> None:
    assert set(PricingModel.values) == {model.value for model in PriceModel}


def test_a_row_that_is_not_saved_is_rated_like_its_price() -> None:
    row = Price(model="package", amount=500, package_size=100)
    row.clean()
    assert rate(row.rule, Decimal(101)) == 1000


def test_a_package_without_a_size_is_refused() -> None:
    with pytest.raises(ValidationError, match="a package size must be above zero"):
        Price(model="package", amount=500).clean()


def test_free_units_of_a_row_reach_its_rule() -> None:
    row = Price(model="package", amount=500, package_size=100, free_units=5)
    assert rate(row.rule, Decimal(105)) == 500
