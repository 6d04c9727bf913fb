"""A result in the database with findings of our choice, on a study that came in as all studies do."""

from __future__ import annotations

import io
from collections.abc import Sequence

from pydicom.dataset import Dataset

from inference import outcomes
from inference.intake.receive import receive
from inference.models import Instance, Result, Study
from inference.outputs.source import Source
from tenants.context import tenant_context
from tenants.models import Tenant
from tests.inference.outputs import examples
from tests.inference.work import submit, work


def study_of(tenant: Tenant, files: Sequence[bytes]) -> Study:
    return receive(tenant, [(f"{number}", io.BytesIO(content)) for number, content in enumerate(files)]).study


def stored(study: Study) -> Source:
    """The instances in order, as far as the examples look at them. Needs the tenant's scope."""
    rows = Instance.objects.filter(study=study).order_by("instance_number", "id")
    images = {str(row.id): Dataset() for row in rows}
    for row in rows:
        images[str(row.id)].SOPInstanceUID = row.sop_instance_uid
    return Source(None, images)


def result_of(tenant: Tenant, files: Sequence[bytes], *numbers: int) -> Result:
    """A finished job on these files, with a finding for each number."""
    study = study_of(tenant, files)
    job = submit(tenant, study)
    work()
    with tenant_context(tenant.id):
        result: Result = Result.objects.select_related("job__study").get(job=job)
        result.findings.all().delete()
        source = stored(study)
        for position, number in enumerate(numbers):
            outcomes.finding_row(result, position, examples.finding(source, number, x=25.0 + 22 * position)).save()
    return result
