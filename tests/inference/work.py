"""A plugin without TensorFlow that does what its parameters say, and the work that tests give it."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any
from unittest import mock

import numpy as np
from PIL import Image

from billing import catalogue
from inference import jobs, registry
from inference.domain.errors import UnsupportedInput
from inference.domain.report import Code, Finding, InstanceReference, Label, Location, Prediction, Report, Size
from inference.domain.study import Inputs, PixelReader
from inference.engine.lease import Keeper
from inference.engine.models import forget, loaded
from inference.engine.predict import predict
from inference.engine.take import take
from inference.engine.write import write
from inference.intake.receive import receive
from inference.models import Job, Study
from inference.plugins import registry as plugins
from inference.plugins.base import Accepted, Batching, InputPort, Manifest, Plugin, Refused, SelfTest, Text, Validation
from tenants.context import operator_context, tenant_context
from tenants.models import Tenant

SLUG = "echo"
TEXT = Text(en="Does as it is told", zh_hans="按吩咐行事")
NODULE = Code("27925004", "SCT", "Nodule", "nodule")
MASS = Code("4147007", "SCT", "Mass", "mass")
KINDS = ["fine", "refuses", "breaks", "breaks-in-model", "loses-outputs", "can-not-be-written"]


class Broken(Exception):
    """What a plugin's bug looks like."""


class Echo(Plugin[str, str]):
    """`params.kind` says what happens; a fine job finds one thing on the first image."""

    manifest = Manifest(
        slug=SLUG,
        version="1.0.0",
        title=TEXT,
        description=TEXT,
        intended_use=TEXT,
        disclaimer=TEXT,
        inputs=(InputPort("image", "image", ("image/png",)),),
        output_schema={"type": "object"},
        params_schema={
            "type": "object",
            "properties": {"kind": {"enum": KINDS}},
            "additionalProperties": False,
        },
        unit="image",
        batching=Batching(max_items=4),
        finding_types=(NODULE, MASS),
    )

    def validate(self, inputs: Inputs) -> Validation:
        return Accepted() if inputs.study and inputs.study.instances else Refused("unsupported_input", "No image.")

    def quantity(self, inputs: Inputs) -> Decimal:
        return Decimal(1)

    def load(self, artefacts: Path) -> None:
        return None

    def prepare(self, inputs: Inputs, pixels: PixelReader) -> Sequence[str]:
        kind = str(inputs.params.get("kind", "fine"))
        if kind == "refuses":
            raise UnsupportedInput("This analysis can not read the study.")
        if kind == "breaks":
            raise Broken
        assert inputs.study
        pixels(inputs.study.instances[0])
        return [kind]

    def predict(self, batch: Sequence[str]) -> Sequence[str]:
        if "breaks-in-model" in batch:
            raise Broken
        return list(batch)[1:] if "loses-outputs" in batch else list(batch)

    def postprocess(self, inputs: Inputs, samples: Sequence[str], outputs: Sequence[str]) -> Report:
        assert inputs.study
        image = inputs.study.instances[0]
        place = Location(
            None, (1.0, 2.0), (0.0, 0.0, 3.0, 3.0), instances=(InstanceReference("", instance_id=image.id),)
        )
        found = Finding("2.25.1", NODULE, 0.9, place, Size(3.0, 2.0))
        labels = (Label("1", "one", 1.0),)
        if "can-not-be-written" in outputs:
            return Report("findings", (found,), notes=(object(),))  # type: ignore[arg-type]
        return Report("findings", (found,), predictions=(Prediction(image.id, labels),))

    def self_test(self) -> SelfTest:
        return SelfTest(True, "nothing to test")


@contextmanager
def echo_installed() -> Iterator[None]:
    """The plugin is the only one while the block runs, its model registered."""
    scan = plugins.Scan(MappingProxyType({SLUG: Echo()}), MappingProxyType({}))
    forget()
    with mock.patch.object(plugins, "_scan", return_value=scan):
        with operator_context():
            registry.sync()
        yield
    forget()


def picture(number: int = 0) -> io.BytesIO:
    """A small PNG, another one for each number."""
    stream = io.BytesIO()
    pixels = np.full((16, 16), number % 200, np.uint8)
    pixels[0, : number // 200 + 1] = 255
    Image.fromarray(pixels).save(stream, "PNG")
    stream.seek(0)
    return stream


def subscribe(tenant: Tenant, plan: str = "pay-per-use") -> None:
    with operator_context():
        catalogue.subscribe(tenant, plan, actor="test")


class InTurn(Executor):
    """Stages one after the other, in the test's own transaction."""

    def __init__(self, most: int, name: str) -> None:
        del most, name

    def submit(self, stage: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(stage(*args, **kwargs))
        return done


def serve(bucket: str, keeper: Keeper, worker: str = "worker-test") -> int:
    """One batch, stage after stage, in the test's own transaction; how many jobs were in it."""
    batch = take(loaded(bucket), keeper, worker)
    if batch.leases:
        predict(batch, keeper)
        write(batch, keeper)
    return len(batch.leases)


def study_of(tenant: Tenant, number: int = 0) -> Study:
    return receive(tenant, [("a.png", picture(number))]).study


def submit(tenant: Tenant, study: Study, kind: str = "fine") -> Job:
    with tenant_context(tenant.id):
        return jobs.submit(tenant, plugin_slug=SLUG, study=study, params={"kind": kind})


def work(rounds: int = 1, keeper: Keeper | None = None) -> int:
    """Serve the plugin's bucket; how many jobs were taken."""
    with operator_context():
        bucket = registry.bucket(plugins.get(SLUG))
    return sum(serve(bucket, keeper or Keeper()) for _ in range(rounds))


def reread(job: Job) -> Job:
    with tenant_context(job.tenant_id):
        return jobs.reread(job)
