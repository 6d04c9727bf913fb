"""The contract test suite: what every plugin must keep, ours and third-party ones alike.

A plugin's tests subclass `PluginContract`, give it the plugin and some accepted and refused samples, and run pytest.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
from jsonschema import Draft202012Validator
from numpy.typing import NDArray

from inference.domain.errors import UserError
from inference.domain.report import Report
from inference.domain.study import Inputs, InstanceHeader, PixelReader, SeriesHeader, StudyHeader
from inference.plugins.base import Accepted, AnyPlugin, Refused
from inference.plugins.loading import load, verified_artefacts
from inference.plugins.manifests import manifest_faults

# float32 sums over batches of other sizes differ in the last digits
TOLERANCE = 1e-4
HEAVY = ("tensorflow", "keras", "torch", "jax")
PURITY_SCRIPT = """
import json, pickle, sys
paths, heavy, task = pickle.load(sys.stdin.buffer)
sys.path.extend(paths)
pickle.loads(task)()
print(json.dumps([name for name in heavy if name in sys.modules]))
"""


@dataclass(frozen=True, slots=True)
class Sample:
    """One job's input for the suite. `refused` says that validation or preparation must refuse it."""

    name: str
    inputs: Inputs
    pixels: PixelReader
    refused: bool = False


def image_sample(name: str, *images: NDArray[np.float32], refused: bool = False) -> Sample:
    """A study of 8-bit images: grey ones (rows, columns), colour ones (rows, columns, 3), values 0 to 255."""
    headers = tuple(image_header(number, image) for number, image in enumerate(images))
    pixels = {header.id: image for header, image in zip(headers, images, strict=True)}
    series = SeriesHeader("series", "", "", "", headers)
    study = StudyHeader("study", "image", "", "", "", (series,))
    return Sample(name, Inputs(study=study), lambda header: pixels[header.id], refused)


def image_header(number: int, image: NDArray[np.float32]) -> InstanceHeader:
    """What the intake would say about an 8-bit PNG of these pixels."""
    colour = image.ndim == 3
    return InstanceHeader(
        id=f"image-{number}",
        media_type="image/png",
        sha256=hashlib.sha256(image.tobytes()).hexdigest(),
        rows=image.shape[0],
        columns=image.shape[1],
        samples_per_pixel=3 if colour else 1,
        photometric="RGB" if colour else "MONOCHROME2",
    )


@functools.cache
def loaded(plugin: AnyPlugin) -> AnyPlugin:
    """The plugin with its checked artefacts in memory, once per process."""
    load(plugin)
    return plugin


def run(plugin: AnyPlugin, samples: Sequence[Sample]) -> list[Report]:
    """The reports of several jobs whose samples went through the model as one batch."""
    prepared = [list(plugin.prepare(sample.inputs, sample.pixels)) for sample in samples]
    outputs = iter(plugin.predict([item for items in prepared for item in items]))
    parts = [[next(outputs) for _ in items] for items in prepared]
    triples = zip(samples, prepared, parts, strict=True)
    return [plugin.postprocess(sample.inputs, items, part) for sample, items, part in triples]


def as_document(report: Report) -> dict[str, Any]:
    """The report as plain JSON values; tuples become arrays."""
    return dict(json.loads(json.dumps(dataclasses.asdict(report))))


def differences(left: object, right: object, place: str = "report") -> Iterator[str]:
    """Where two documents differ by more than `TOLERANCE`."""
    if isinstance(left, dict) and isinstance(right, dict) and left.keys() == right.keys():
        for name in left:
            yield from differences(left[name], right[name], f"{place}.{name}")
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for number, pair in enumerate(zip(left, right, strict=True)):
            yield from differences(*pair, f"{place}[{number}]")
    elif isinstance(left, float) and isinstance(right, float):
        if abs(left - right) > TOLERANCE * max(1.0, abs(left)):
            yield f"{place}: {left} and {right}"
    elif left != right:
        yield f"{place}: {left!r} and {right!r}"


def without_identity(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document without the tracking ids, which may be new on every run."""
    findings = [{name: value for name, value in row.items() if name != "tracking_uid"} for row in document["findings"]]
    return {**document, "findings": findings}


def heavy_imports(task: Callable[[], object], heavy: Sequence[str] = HEAVY) -> list[str]:
    """Which of the `heavy` packages are loaded in a fresh process once `task`, which must pickle, has run there."""
    given = pickle.dumps(([path for path in sys.path if path], list(heavy), pickle.dumps(task)))
    command = [sys.executable, "-c", PURITY_SCRIPT]
    done = subprocess.run(command, input=given, capture_output=True, check=False, timeout=120)  # noqa: S603 - our text
    if done.returncode:
        raise AssertionError(f"{task} fails in a fresh process:\n{done.stderr.decode()}")
    return list(json.loads(done.stdout.splitlines()[-1]))


def judge(kind: type[AnyPlugin], inputs: Sequence[Inputs]) -> None:
    """What a web process does with a plugin: validate, and count what was accepted."""
    plugin = kind()
    for item in inputs:
        if isinstance(plugin.validate(item), Accepted):
            plugin.quantity(item)


class PluginContract:
    """Subclass as `Test...`, set `plugin` and give `samples()`: at least one accepted, better one refused as well."""

    plugin: AnyPlugin

    def samples(self) -> Sequence[Sample]:
        """What the plugin is tried on."""
        raise NotImplementedError

    def accepted(self) -> list[Sample]:
        """The samples that must give a report."""
        chosen = [sample for sample in self.samples() if not sample.refused]
        assert chosen, "give at least one sample that the plugin accepts"
        return chosen

    def refused(self) -> list[Sample]:
        """The samples that must be refused."""
        return [sample for sample in self.samples() if sample.refused]

    def test_the_manifest_is_complete_in_both_languages(self) -> None:
        assert manifest_faults(self.plugin.manifest) == []

    def test_a_medical_plugin_says_that_it_is_not_for_clinical_use(self) -> None:
        manifest = self.plugin.manifest
        assert not manifest.medical or "not for clinical use" in manifest.disclaimer.en.lower()

    def test_import_validation_and_quantity_load_no_model_library(self) -> None:
        inputs = [sample.inputs for sample in self.samples()]
        assert heavy_imports(functools.partial(judge, type(self.plugin), inputs)) == []

    def test_validation_gives_the_same_verdict_twice(self) -> None:
        for sample in self.samples():
            assert self.plugin.validate(sample.inputs) == self.plugin.validate(sample.inputs)

    def test_accepted_samples_pass_validation(self) -> None:
        for sample in self.accepted():
            assert self.plugin.validate(sample.inputs) == Accepted(), sample.name

    def test_the_quantity_is_positive_and_stable(self) -> None:
        for sample in self.accepted():
            first = self.plugin.quantity(sample.inputs)
            assert isinstance(first, Decimal), sample.name
            assert first.is_finite(), sample.name
            assert first > 0, sample.name
            assert self.plugin.quantity(sample.inputs) == first, sample.name

    def test_the_artefacts_are_signed_by_a_trusted_key(self) -> None:
        files = {file.name for file in verified_artefacts(self.plugin).files}
        assert {artefact.name for artefact in self.plugin.manifest.artefacts} <= files

    def test_the_self_test_passes(self) -> None:
        outcome = loaded(self.plugin).self_test()
        assert outcome.passed, outcome.detail
        assert outcome.detail

    def test_the_report_fits_the_output_schema(self) -> None:
        validator = Draft202012Validator(dict(self.plugin.manifest.output_schema))
        for sample, report in zip(self.accepted(), self.reports_one_by_one(), strict=True):
            faults = [error.message for error in validator.iter_errors(as_document(report))]
            assert faults == [], sample.name

    def test_the_same_input_gives_the_same_report(self) -> None:
        self.assert_same(self.reports_one_by_one(), self.reports_one_by_one())

    def test_a_batch_gives_what_its_jobs_give_alone(self) -> None:
        self.assert_same(self.reports_one_by_one(), run(loaded(self.plugin), self.accepted()))

    def test_a_refusal_has_a_code_and_a_sentence(self) -> None:
        for sample in self.refused():
            code, sentence = self.refusal(sample)
            assert code, sample.name
            assert sentence, sample.name
            assert "%(" not in sentence, sample.name

    def reports_one_by_one(self) -> list[Report]:
        """The report of each accepted sample, each in a batch of its own."""
        return [report for sample in self.accepted() for report in run(loaded(self.plugin), [sample])]

    def refusal(self, sample: Sample) -> tuple[str, str]:
        """Code and English sentence with which the sample is refused, by its headers or by its pixels."""
        verdict = self.plugin.validate(sample.inputs)
        if isinstance(verdict, Refused):
            return verdict.code, verdict.template % verdict.params
        try:
            run(loaded(self.plugin), [sample])
        except UserError as error:
            return error.code, error.detail
        raise AssertionError(f"{sample.name} was to be refused and gave a report")

    @staticmethod
    def assert_same(left: Sequence[Report], right: Sequence[Report]) -> None:
        for one, other in zip(left, right, strict=True):
            documents = [without_identity(as_document(report)) for report in (one, other)]
            assert list(differences(documents[0], documents[1])) == []
