from __future__ import annotations

import pytest

from inference.models import Study
from tenants.context import operator_context, tenant_context
from tenants.querysets import TenantNotSet, WrongTenant
from tests.conftest import Party


def test_a_query_without_a_tenant_fails_closed(alice: Party) -> None:
    for query in (
        lambda: Study.objects.count(),
        lambda: Study.objects.exists(),
        lambda: list(Study.objects.all()),
        lambda: list(Study.objects.for_tenant(alice.tenant)),
        lambda: Study.objects.update(kind="dicom"),
        lambda: Study.objects.all().delete(),
        lambda: Study.objects.create(tenant=alice.tenant, kind="image"),
        lambda: Study.objects.all().explain(),
        lambda: list(Study.objects.raw("SELECT * FROM inference_study")),
    ):
        with pytest.raises(TenantNotSet):
            query()


@pytest.mark.django_db(transaction=True)
def test_a_transactional_test_is_emptied_afterwards(alice: Party) -> None:
    with tenant_context(alice.tenant.id):
        Study.objects.create(tenant=alice.tenant, kind="image")


def test_a_tenant_sees_only_its_own_rows(alice: Party, charlie: Party) -> None:
    with tenant_context(alice.tenant.id):
        study = Study.objects.create(tenant=alice.tenant, kind="image")
    with tenant_context(charlie.tenant.id):
        assert not Study.objects.filter(pk=study.pk).exists()
        with pytest.raises(WrongTenant):
            Study.objects.for_tenant(alice.tenant)
    with operator_context():
        assert Study.objects.count() == 1


def test_rows_of_several_tenants_are_the_operators_alone(alice: Party, charlie: Party) -> None:
    both = [alice.tenant.id, charlie.tenant.id]
    for tenant_id in both:
        with tenant_context(tenant_id):
            Study.objects.create(tenant_id=tenant_id, kind="image")
    with operator_context():
        assert Study.objects.for_tenants(both).count() == 2
        assert Study.objects.for_tenants(both[:1]).count() == 1
        assert Study.objects.for_tenants([]).count() == 0
    with tenant_context(alice.tenant.id):
        assert Study.objects.for_tenants(both[:1]).count() == 1
        for asked in (both, both[1:]):
            with pytest.raises(WrongTenant):
                Study.objects.for_tenants(asked)
    with pytest.raises(WrongTenant):
        Study.objects.for_tenants(both)
