"""Large studies: the model sees a bounded number of samples at once, and each job gets its own outputs back."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from inference.domain.errors import InternalError
from inference.engine.predict import predict_in_parts
from tests.inference.work import Echo

pytestmark = pytest.mark.database_free


class Counting(Echo):
    """Notes how many samples came in each call."""

    def __init__(self) -> None:
        self.calls: list[int] = []

    def predict(self, batch: Sequence[str]) -> Sequence[str]:
        self.calls.append(len(batch))
        return [sample.upper() for sample in batch]


def test_samples_go_through_the_model_in_parts_and_come_back_in_order() -> None:
    plugin = Counting()
    assert predict_in_parts(plugin, list("abcdefghij")) == list("ABCDEFGHIJ")
    assert plugin.calls == [4, 4, 2]


def test_no_sample_is_no_call() -> None:
    plugin = Counting()
    assert predict_in_parts(plugin, []) == []
    assert plugin.calls == []


def test_a_model_that_loses_outputs_is_found_out_in_its_part() -> None:
    with pytest.raises(InternalError, match="3 outputs for 4 samples"):
        predict_in_parts(Echo(), ["loses-outputs", "a", "b", "c"])
