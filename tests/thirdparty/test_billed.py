"""A plugin from outside, installed as its own package: submitted, run and billed like ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from billing.models import UsageEvent
from inference import jobs, registry
from inference.engine import models as engine_models
from inference.engine.lease import Keeper
from inference.models import JobState, Result
from inference.plugins import registry as plugins
from tenants.context import operator_context, tenant_context
from tests.conftest import make_party
from tests.inference.work import reread, serve, study_of, subscribe
from tests.thirdparty.installation import BRIGHTNESS, installed

pytestmark = pytest.mark.django_db


def test_a_strangers_plugin_is_run_and_billed_without_a_change_of_ours(tmp_path: Path) -> None:
    with installed(BRIGHTNESS, tmp_path):
        engine_models.forget()
        (slug,) = {
            name for name, one in plugins.installed().items() if not type(one).__module__.startswith("inference.")
        }
        with operator_context():
            registry.sync()
            bucket = registry.bucket(plugins.get(slug))
        party = make_party("guest")
        subscribe(party.tenant)
        study = study_of(party.tenant)
        with tenant_context(party.tenant.id):
            job = jobs.submit(party.tenant, plugin_slug=slug, study=study)
        assert serve(bucket, Keeper(), "worker") == 1
        assert reread(job).state == JobState.SUCCEEDED
        with tenant_context(party.tenant.id):
            assert Result.objects.count() == 1
            event = UsageEvent.objects.get()
        assert (event.plugin, event.minor_units) == (slug, job.amount)
    engine_models.forget()
