"""Deletion certificates, and legal holds on studies."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from api import schemas
from api.base import TenantAPIView, as_tenant, find, idempotent
from api.errors import NotFound
from api.v1.requests import ErasureRequest
from api.v1.views.studies import own
from inference.retention import certificates, erasure, legal_holds
from tenants.ids import encode

Certificate: Any = schemas.shape(
    "DeletionCertificate",
    object=s.CharField(),
    deleted=s.CharField(help_text="std_... or job_..."),
    what=s.ChoiceField(["study", "result", "artifacts", "input"]),
    actor=s.CharField(),
    deleted_at=s.DateTimeField(),
    files=s.IntegerField(),
    bytes=s.IntegerField(),
    rule=s.CharField(help_text="request, or the kind and the days of the retention rule"),
    study_uid_hmac=s.CharField(allow_blank=True),
    instance_uids_hmac=s.CharField(allow_blank=True),
    chain=schemas.shape("ChainLink", sequence=s.IntegerField(), previous_hash=s.CharField(), hash=s.CharField()),
)
ErasureBody = schemas.shape("ErasureBody", patient_id=s.CharField(), issuer=s.CharField(required=False))
Erasure = schemas.shape(
    "Erasure",
    object=s.CharField(),
    certificates=schemas.many("ErasureCertificate", deleted=s.CharField(), rule=s.CharField(), bytes=s.IntegerField()),
    kept=schemas.many("KeptStudy", study=s.CharField(), code=s.CharField()),
)
LegalHold = schemas.shape("LegalHold", object=s.CharField(), study=s.CharField(), legal_hold=s.BooleanField())


class CertificateView(TenantAPIView):
    """`/v1/studies/{id}/certificate`: that a study was deleted, how much, when, by whom and by which rule."""

    scopes = {"GET": "studies:read"}

    @extend_schema(operation_id="studies_certificate", responses={200: Certificate, **schemas.PROBLEMS})
    @as_tenant
    def get(self, request: Request, identity: str) -> Response:
        event = certificates.of_subject(self.tenant.id, encode("std", find("std", identity)))
        if event is None:
            raise NotFound
        return Response(certificates.as_json(event))


class LegalHoldView(TenantAPIView):
    """`/v1/studies/{id}/legal_hold`: POST places it, DELETE lifts it."""

    scopes = {"POST": "admin", "DELETE": "admin"}

    @extend_schema(operation_id="legal_hold_place", request=None, responses={200: LegalHold, **schemas.PROBLEMS})
    @idempotent
    def post(self, request: Request, identity: str) -> Response:
        study = own(self, identity)
        legal_holds.place(study, actor=self.actor.name)
        return Response({"object": "legal_hold", "study": encode("std", study.id), "legal_hold": True})

    @extend_schema(operation_id="legal_hold_lift", responses={200: LegalHold, **schemas.PROBLEMS})
    @as_tenant
    def delete(self, request: Request, identity: str) -> Response:
        study = own(self, identity)
        legal_holds.lift(study, actor=self.actor.name)
        return Response({"object": "legal_hold", "study": encode("std", study.id), "legal_hold": False})


class ErasuresView(TenantAPIView):
    """`/v1/erasures`: delete all studies of one patient."""

    scopes = {"POST": "admin"}

    @extend_schema(operation_id="erasures_create", request=ErasureBody, responses={200: Erasure, **schemas.PROBLEMS})
    @idempotent
    def post(self, request: Request) -> Response:
        asked = ErasureRequest.read(request.data)
        erased = erasure.erase_patient(self.tenant.id, **asked, actor=self.actor.name)
        return Response(
            {
                "object": "erasure",
                "certificates": [certificates.as_json(event) for event in erased.certificates],
                "kept": [{"study": identity, "code": code} for identity, code in erased.kept],
            }
        )
