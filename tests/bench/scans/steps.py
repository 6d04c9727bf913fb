"""What each process of a study does. The product's own functions run; they are only timed from outside."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO
from unittest import mock

from django.core.management import call_command

from inference import jobs, registry
from inference.engine import predict, take, write
from inference.engine.lease import Keeper
from inference.engine.models import loaded
from inference.intake.pixels import pixel_reader
from inference.intake.receive import receive
from inference.models import Job, Result
from inference.outputs import papers, store
from inference.outputs.kinds import KINDS
from inference.plugins import registry as plugins
from inference.reading import reading_of
from ops.tenancy import create_customer
from tenants.context import operator_context, tenant_context
from tests.bench.scans import studies
from tests.bench.scans.spans import Spans, peak_of_memory
from tests.inference.work import serve

PLAN = "pay-per-use"
Figures = dict[str, Any]


def draw(case: str, folder: Path) -> Figures:
    """An installation with the study's files beside it."""
    # what it says is not a figure
    call_command("migrate", verbosity=0, stdout=sys.stderr)
    call_command("setup", verbosity=0, stdout=sys.stderr)
    return studies.draw(case, folder)


def intake(case: str, folder: Path) -> Figures:
    """The files through every check into a study, and the job."""
    tenant = create_customer("Bench", "owner@bench.example", PLAN).tenant
    spans = Spans()
    with ExitStack() as stack:
        files: list[tuple[str, BinaryIO]] = [
            (path.name, stack.enter_context(path.open("rb"))) for path in sorted(folder.iterdir())
        ]
        with spans.of("intake"):
            study = receive(tenant, files).study
    with tenant_context(tenant.id):
        jobs.submit(tenant, plugin_slug=studies.plugin_of(case), study=study, params={})
    return {"spans": spans.told()}


def work(case: str, folder: Path) -> Figures:
    """The job as a worker runs it. Raises `SystemExit` when it did not succeed."""
    with operator_context():
        bucket = registry.bucket(plugins.get(studies.plugin_of(case)))
    spans = Spans()
    with peak_of_memory() as peak:
        with spans.of("load"):
            loaded(bucket)
        with timed(spans):
            serve(bucket, Keeper(), "bench")
    decode, prepare = spans.found["decode"], spans.found.pop("prepare")
    spans.add("preprocess", prepare["seconds"] - decode["seconds"], prepare["cpu"] - decode["cpu"])
    with operator_context():
        job = Job.objects.get()
        if job.state != "succeeded":
            raise SystemExit(f"the job is {job.state}: {job.error}")
        findings = job.result.findings.count()
    return {"spans": spans.told(), "peak_mb": peak, "findings": findings}


@contextmanager
def timed(spans: Spans) -> Iterator[None]:
    """The engine's steps, timed."""
    names = {
        (take, "prepared"): "prepare", (predict, "predict_in_parts"): "model", (write, "report"): "postprocess",
        (write, "finish"): "results.findings",
    }  # fmt: skip
    with ExitStack() as stack:
        for (stage, step), name in names.items():
            stack.enter_context(mock.patch.object(stage, step, spans.around(name, getattr(stage, step))))

        def timed_reader(*arguments: Any) -> Callable[..., Any]:
            return spans.around("decode", pixel_reader(*arguments))

        stack.enter_context(mock.patch.object(take, "pixel_reader", timed_reader))
        yield


def outputs(case: str, folder: Path) -> Figures:
    """Report and every output that this result can have, each for the first time."""
    spans = Spans()
    with operator_context():
        result = Result.objects.select_related("job__study").get()
    with tenant_context(result.tenant_id):
        reading = reading_of(result)
        wanted = [offer.kind.name for offer in store.offers(result) if offer.refusal is None]
    with spans.of("results.report_pdf"):
        papers.report_pdf(result, reading, "en")
    for name in (name for name in KINDS if name in wanted):
        with spans.of(f"results.{name}"):
            store.of(result, name)
    return {"spans": spans.told()}
