"""Users, tenants, memberships, API keys, audit events, and the base of every table that belongs to a tenant."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tenants.ids import uuid7
from tenants.querysets import TenantManager


class Role(models.TextChoices):
    """What a member may do; `tenants.roles` says which scopes each has."""

    OWNER = "owner", _("Owner")
    ADMIN = "admin", _("Administrator")
    MEMBER = "member", _("Member")
    REVIEWER = "reviewer", _("Reviewer")
    BILLING = "billing", _("Billing")


class UserManager(BaseUserManager["User"]):
    """Makes users, who log in by e-mail."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, **{**fields, "is_staff": True, "is_superuser": True})

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=(username or "").lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person. Belongs to no tenant by itself: `Membership` says where and as what."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField(_("e-mail"), unique=True)
    name = models.CharField(_("name"), max_length=150, blank=True)
    language = models.CharField(_("language"), max_length=10, default="en")
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField(default=timezone.now)

    objects: ClassVar[UserManager] = UserManager()
    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"

    class Meta:
        ordering = ["email"]

    def __str__(self) -> str:
        return self.email


class TenantStatus(models.TextChoices):
    """A suspended tenant reads but does not submit."""

    ACTIVE = "active", _("Active")
    SUSPENDED = "suspended", _("Suspended")


class Tenant(models.Model):
    """A customer organisation: the owner of studies, jobs and bills."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(_("name"), max_length=150)
    status = models.CharField(_("status"), max_length=12, choices=TenantStatus.choices, default=TenantStatus.ACTIVE)
    language = models.CharField(_("language"), max_length=10, default="en")
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC")
    weight = models.PositiveSmallIntegerField(_("weight"), default=1)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["created_at"]

    def __str__(self) -> str:
        return self.name


class TenantModel(models.Model):
    """The base of every row that belongs to a tenant; the wall of `querysets` and `wall` stands around it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+")

    objects = TenantManager()

    class Meta:
        abstract = True
        base_manager_name = "objects"


class Membership(TenantModel):
    """A user's role in a tenant."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(_("role"), max_length=12, choices=Role.choices, default=Role.MEMBER)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(TenantModel.Meta):
        abstract = False
        constraints = [models.UniqueConstraint(fields=["tenant", "user"], name="membership_once")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role}"


class ApiKey(TenantModel):
    """A machine's credential `<prefix>.<secret>`. Only the digest of the secret is kept; it is shown once."""

    prefix = models.CharField(max_length=24, unique=True)
    secret_sha256 = models.CharField(max_length=64)
    name = models.CharField(_("name"), max_length=100)
    scopes = models.JSONField(_("scopes"), default=list)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    class Meta(TenantModel.Meta):
        abstract = False

    def __str__(self) -> str:
        return f"{self.prefix} {self.name}"


class AuditEvent(TenantModel):
    """Who did what: append-only, each row carries the hash of the one before. No patient data.

    Events of the operator that concern no tenant have `tenant` null and a chain of their own.
    """

    tenant = models.ForeignKey(Tenant, null=True, on_delete=models.PROTECT, related_name="+")  # type: ignore[assignment]
    sequence = models.PositiveBigIntegerField()
    action = models.CharField(max_length=64)
    actor = models.CharField(max_length=200)
    subject = models.CharField(max_length=200, blank=True)
    detail = models.JSONField(default=dict)
    request_id = models.CharField(max_length=64, blank=True)
    at = models.DateTimeField()
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta(TenantModel.Meta):
        abstract = False
        ordering = ["tenant_id", "sequence"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "sequence"], name="audit_sequence_once"),
            models.UniqueConstraint(
                fields=["sequence"], condition=models.Q(tenant__isnull=True), name="audit_operator_sequence_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sequence} {self.action}"


class DataKey(TenantModel):
    """The tenant's key for what is kept under seal, itself wrapped by a master key. Without this row all of it is lost.

    See `tenants.datakeys`.
    """

    wrapped = models.BinaryField()
    master_key_id = models.CharField(max_length=16)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(TenantModel.Meta):
        abstract = False
        constraints = [models.UniqueConstraint(fields=["tenant"], name="data_key_once")]

    def __str__(self) -> str:
        return f"{self.tenant_id} under {self.master_key_id}"
