"""The contract suite over every installed plugin; and the suite itself goes red where a rule is broken."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from inference.domain.report import Report
from inference.domain.study import Inputs
from inference.plugins import registry
from inference.plugins.base import Artefact, Plugin, Refused, SelfTest, Text, Validation
from inference.plugins.contract import PluginContract, Sample, image_sample
from tests.inference.plugins.stub import StubPlugin, stub_manifest

pytestmark = pytest.mark.database_free
GREY, WHITE = np.full((4, 4), 100.0, np.float32), np.full((4, 6), 255.0, np.float32)
STUB_SAMPLES = [
    image_sample("grey", GREY),
    image_sample("white", WHITE),
    image_sample("no image", refused=True),
]
SUITE_FOLDER = Path(__file__).parent


class TestTheStub(PluginContract):
    """The suite is green over a plugin that keeps the contract."""

    plugin = StubPlugin()

    def samples(self) -> Sequence[Sample]:
        return STUB_SAMPLES


def test_every_installed_plugin_of_ours_has_its_own_suite() -> None:
    ours = {slug for slug, plugin in registry.installed().items() if type(plugin).__module__.startswith("inference.")}
    suites = {path.parent.name for path in SUITE_FOLDER.glob("*/test_contract.py")}
    assert {slug.replace("-", "_") for slug in ours} <= suites


class BilledTwice(StubPlugin):
    """Its quantity grows with every question."""

    asked = 0

    def quantity(self, inputs: Inputs) -> Decimal:
        self.asked += 1
        return Decimal(self.asked)


class FreeOfCharge(StubPlugin):
    def quantity(self, inputs: Inputs) -> Decimal:
        return Decimal(0)


class Moody(StubPlugin):
    """Refuses what it has accepted."""

    asked = 0

    def validate(self, inputs: Inputs) -> Validation:
        self.asked += 1
        return super().validate(inputs) if self.asked % 2 else Refused("unsupported_input", "Not now.")


class ChattyInTheWeb(StubPlugin):
    """Leaves the traces of a model library where it validates."""

    def validate(self, inputs: Inputs) -> Validation:
        sys.modules["keras"] = ModuleType("keras")
        return super().validate(inputs)


class Forgetful(StubPlugin):
    """Answers by how often it was asked."""

    asked = 0

    def predict(self, batch: Sequence[float]) -> Sequence[float]:
        self.asked += 1
        return [float(self.asked) for _ in batch]


class Mixing(StubPlugin):
    """Lets the jobs of one batch influence each other."""

    def predict(self, batch: Sequence[float]) -> Sequence[float]:
        return [value / max(batch) for value in batch]


class OffSchema(StubPlugin):
    manifest = stub_manifest(output_schema={"type": "object", "required": ["answer"]})


class Wordless(StubPlugin):
    def validate(self, inputs: Inputs) -> Validation:
        verdict = super().validate(inputs)
        return Refused("", "") if isinstance(verdict, Refused) else verdict


class Unrefusing(StubPlugin):
    """Gives a report whatever it gets."""

    def validate(self, inputs: Inputs) -> Validation:
        return super().validate(Inputs(STUB_SAMPLES[0].inputs.study))

    def prepare(self, inputs: Inputs, pixels: Any) -> Sequence[float]:
        return [0.0]


class Unsigned(StubPlugin):
    manifest = stub_manifest(artefacts=(Artefact("model.keras"),))


class Unwell(StubPlugin):
    def self_test(self) -> SelfTest:
        return SelfTest(False, "1 is 2")


class Unwarned(StubPlugin):
    manifest = stub_manifest(medical=True, disclaimer=Text(en="As you like", zh_hans="随意"))


class Monolingual(StubPlugin):
    manifest = stub_manifest(title=Text(en="A stub", zh_hans=""))


BREACHES: list[tuple[type[Plugin[float, float]], str]] = [
    (Monolingual, "test_the_manifest_is_complete_in_both_languages"),
    (Unwarned, "test_a_medical_plugin_says_that_it_is_not_for_clinical_use"),
    (ChattyInTheWeb, "test_import_validation_and_quantity_load_no_model_library"),
    (Moody, "test_validation_gives_the_same_verdict_twice"),
    (Moody, "test_accepted_samples_pass_validation"),
    (FreeOfCharge, "test_the_quantity_is_positive_and_stable"),
    (BilledTwice, "test_the_quantity_is_positive_and_stable"),
    (Unsigned, "test_the_artefacts_are_signed_by_a_trusted_key"),
    (Unwell, "test_the_self_test_passes"),
    (OffSchema, "test_the_report_fits_the_output_schema"),
    (Forgetful, "test_the_same_input_gives_the_same_report"),
    (Mixing, "test_a_batch_gives_what_its_jobs_give_alone"),
    (Wordless, "test_a_refusal_has_a_code_and_a_sentence"),
    (Unrefusing, "test_a_refusal_has_a_code_and_a_sentence"),
]


@pytest.mark.parametrize(("breach", "rule"), BREACHES, ids=lambda value: getattr(value, "__name__", value))
def test_the_suite_goes_red_over(breach: type[Plugin[float, float]], rule: str) -> None:
    suite = PluginContract()
    suite.plugin = breach()
    suite.samples = lambda: STUB_SAMPLES  # type: ignore[method-assign]
    with pytest.raises(Exception) as raised:
        getattr(suite, rule)()
    assert not isinstance(raised.value, AttributeError | NotImplementedError)


def test_every_rule_of_the_suite_has_a_plugin_that_breaks_it() -> None:
    rules = {name for name in dir(PluginContract) if name.startswith("test_")}
    assert rules == {rule for _, rule in BREACHES}


def test_reports_are_compared_without_the_tracking_ids() -> None:
    PluginContract.assert_same([Report(status="no_findings")], [Report(status="no_findings")])
    with pytest.raises(AssertionError):
        PluginContract.assert_same([Report(status="no_findings")], [Report(status="no_findings", notes=("other",))])
