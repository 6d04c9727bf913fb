"""A chest CT analysis without a network: it measures what is bright in air, so that small scans are quick."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from unittest import mock

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from inference import jobs, registry
from inference.domain.report import Code, Finding, InstanceReference, Location, Report, Site, Size
from inference.domain.study import Inputs, InstanceHeader, PixelReader, Vector3
from inference.engine.lease import Keeper
from inference.engine.models import forget
from inference.intake.receive import receive
from inference.models import Job, Result, Study
from inference.plugins import registry as plugins
from inference.plugins.base import Plugin, SelfTest, Validation
from inference.plugins.ct_lung_nodule.manifest import MANIFEST
from inference.plugins.ct_lung_nodule.plugin import CtLungNodule
from inference.plugins.segmentation.slices import SeriesPlan, write_series
from tenants.context import operator_context, tenant_context
from tenants.models import Tenant
from tests.inference.work import serve

SLUG = MANIFEST.slug
SHAPE, SPACING, ORIGIN = (30, 128, 128), (1.0, 1.0, 2.0), (-64.0, -64.0, -200.0)
BRIGHT = -200.0


@dataclass(frozen=True)
class Volume:
    """A scan with the headers of its slices."""

    hu: NDArray[np.float32]
    headers: tuple[InstanceHeader, ...]


class Bright(Plugin[Volume, Volume]):
    """Every bright component is a solid nodule; the judgement of the headers is that of the real analysis."""

    def __init__(self, version: str = "1.0.0") -> None:
        self.manifest = replace(MANIFEST, version=version, artefacts=())

    def validate(self, inputs: Inputs) -> Validation:
        return CtLungNodule().validate(inputs)

    def quantity(self, inputs: Inputs) -> object:  # type: ignore[override]
        return CtLungNodule().quantity(inputs)

    def load(self, artefacts: Path) -> None:
        return None

    def prepare(self, inputs: Inputs, pixels: PixelReader) -> Sequence[Volume]:
        assert inputs.study
        (series,) = inputs.study.series
        return [Volume(np.stack([pixels(header) for header in series.instances]), series.instances)]

    def predict(self, batch: Sequence[Volume]) -> Sequence[Volume]:
        return list(batch)

    def postprocess(self, inputs: Inputs, samples: Sequence[Volume], outputs: Sequence[Volume]) -> Report:
        found = tuple(finding for volume in outputs for finding in measured(volume))
        return Report("findings" if found else "no_findings", found)

    def self_test(self) -> SelfTest:
        return SelfTest(True, "nothing to test")


def measured(volume: Volume) -> Iterator[Finding]:
    """The bright components, largest first."""
    labels, count = ndimage.label(volume.hu > BRIGHT)
    cells = ndimage.sum_labels(np.ones(labels.shape), labels, range(1, count + 1))
    for number in 1 + np.argsort(-np.asarray(cells), kind="stable"):
        yield finding(volume, int(number), ndimage.center_of_mass(labels == number), float(cells[number - 1]))


def finding(volume: Volume, number: int, centre: Sequence[float], cells: float) -> Finding:
    z, y, x = centre
    header = volume.headers[round(z)]
    cubic = cells * math.prod(SPACING)
    diameter = (6 * cubic / math.pi) ** (1 / 3)
    start = volume.headers[0].position
    assert start
    place = (start[0] + x * SPACING[0], start[1] + y * SPACING[1], start[2] + z * SPACING[2])
    side = Site("3341006", "SCT", "Right lung", "R") if x < SHAPE[2] / 2 else Site("44029006", "SCT", "Left lung", "L")
    box = (x - 1, y - 1, z - 1, x + 1, y + 1, z + 1)
    reach = math.ceil(diameter / 2 / SPACING[2])
    shown = volume.headers[max(0, round(z) - reach) : round(z) + reach + 1]
    references = tuple(InstanceReference(one.sop_instance_uid, 1, one is header, one.id) for one in shown)
    return Finding(
        f"2.25.{number}", Code("27925004", "SCT", "Solid nodule", "nodule.solid"), 0.9,
        Location(side, (x, y, z), box, place, instances=references),
        Size(diameter, diameter, diameter, diameter, diameter, None, cubic, "PixelSpacing"),
    )  # fmt: skip


@contextmanager
def bright_installed(version: str = "1.0.0") -> Iterator[None]:
    """The analysis is the only one while the block runs, under the name of the real one."""
    scan = plugins.Scan(MappingProxyType({SLUG: Bright(version)}), MappingProxyType({}))
    forget()
    with mock.patch.object(plugins, "_scan", return_value=scan):
        with operator_context():
            registry.sync()
        yield
    forget()


@dataclass(frozen=True)
class Ball:
    """A nodule: its middle in mm from the corner of the scan (x, y, z), and its diameter in mm."""

    at: Vector3
    diameter: float


@dataclass(frozen=True)
class Visit:
    """One examination: whose, when, where the patient lay (mm beside the usual place), and what is in the lungs."""

    balls: tuple[Ball, ...]
    day: str = "20240101"
    patient: str = "P-1"
    shift: Vector3 = (0.0, 0.0, 0.0)

    @property
    def name(self) -> str:
        return f"bright {self}"


def drawn(visit: Visit) -> NDArray[np.float32]:
    """Air with balls in it."""
    z, y, x = np.meshgrid(*(np.arange(n) * s for n, s in zip(SHAPE, SPACING[::-1], strict=True)), indexing="ij")
    hu = np.full(SHAPE, -850, dtype=np.float32)
    for ball in visit.balls:
        away = np.sqrt((x - ball.at[0]) ** 2 + (y - ball.at[1]) ** 2 + (z - ball.at[2]) ** 2)
        hu[away <= ball.diameter / 2] = 30
    return hu


def study_of(tenant: Tenant, visit: Visit) -> Study:
    """The examination as files, sent in by the tenant."""
    with TemporaryDirectory() as folder:
        return receive(tenant, [(path.name, path.open("rb")) for path in written(visit, Path(folder))]).study


def written(visit: Visit, folder: Path) -> list[Path]:
    """The files of an examination."""
    extra = {"PatientID": visit.patient, "StudyDate": visit.day, "StudyTime": "080000"}
    origin = (ORIGIN[0] + visit.shift[0], ORIGIN[1] + visit.shift[1], ORIGIN[2] + visit.shift[2])
    return write_series(folder, drawn(visit), SeriesPlan(visit.name, "CT", "CHEST", SPACING, origin, extra=extra))


def analysed(tenant: Tenant, visit: Visit, **params: str) -> Job:
    """The examination after the whole way: sent in, submitted, analysed."""
    study = study_of(tenant, visit)
    with tenant_context(tenant.id):
        job = jobs.submit(tenant, plugin_slug=SLUG, study=study, params=params)
    work()
    return job


def work() -> int:
    """Serve the analysis; how many jobs were taken."""
    with operator_context():
        bucket = registry.bucket(plugins.get(SLUG))
    return serve(bucket, Keeper(), "worker-test")


def result_of(job: Job) -> Result:
    """Needs the tenant's scope."""
    found: Result = Result.objects.for_tenant(job.tenant_id).select_related("job__study").get(job=job)
    return found
