"""What is on offer: meters, plans, their versions, prices and entitlements. The operator's tables, no tenant's."""

from __future__ import annotations

from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing.domain.price_json import tiers_from_json
from billing.domain.rating import InvalidPrice, PriceModel, PriceRule, check
from billing.fields import AmountField, QuantityField
from tenants.ids import uuid7

EVERY_PLUGIN = "*"
"""In the place of a plugin's slug: all plugins that have no row of their own."""


class Aggregation(models.TextChoices):
    """What a job adds to a meter: one, what was measured, what goes beyond the highest, or one for a new subject.

    A place that is given back takes its own part along and no other's: what rode free beside it stays free.
    """

    COUNT = "count", _("One for each analysis")
    SUM = "sum", _("The measured quantity")
    MAX = "max", _("The highest quantity of the period")
    UNIQUE = "unique", _("Each subject once in the period")


class BillingInterval(models.TextChoices):
    """How often an invoice is closed and quotas start anew."""

    NONE = "none", _("Never")
    MONTH = "month", _("Monthly")
    YEAR = "year", _("Yearly")


class PricingModel(models.TextChoices):
    """How a price grows with use; the same values as `domain.rating.PriceModel`."""

    FLAT = PriceModel.FLAT.value, _("Flat")
    PER_UNIT = PriceModel.PER_UNIT.value, _("Per unit")
    GRADUATED = PriceModel.GRADUATED.value, _("Graduated")
    VOLUME = PriceModel.VOLUME.value, _("Volume")
    PACKAGE = PriceModel.PACKAGE.value, _("Package")


class Funding(models.TextChoices):
    """Who is asked for money when: an invoice after the period, or credits that were bought before."""

    INVOICED = "invoiced", _("Invoiced after the period")
    PREPAID = "prepaid", _("Prepaid: from credits only")


class VersionState(models.TextChoices):
    """A draft may change; a published version is on offer; a retired one only serves those who have it."""

    DRAFT = "draft", _("Draft")
    PUBLISHED = "published", _("Published")
    RETIRED = "retired", _("Retired")


class Meter(models.Model):
    """Something that is counted. A plugin's use goes to the meter whose slug is the plugin's billing unit."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    slug = models.SlugField(_("slug"), max_length=64, unique=True)
    unit = models.CharField(_("unit"), max_length=32)
    aggregation = models.CharField(_("aggregation"), max_length=8, choices=Aggregation.choices, default=Aggregation.SUM)

    class Meta:
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.slug


class Plan(models.Model):
    """A way to pay. Its terms stand in its versions."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    slug = models.SlugField(_("slug"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=100)
    name_zh = models.CharField(_("name in Chinese"), max_length=100, blank=True)
    description = models.CharField(_("description"), max_length=300, blank=True)
    description_zh = models.CharField(_("description in Chinese"), max_length=300, blank=True)
    position = models.PositiveSmallIntegerField(_("position"), default=100)
    is_trial = models.BooleanField(_("trial"), default=False)
    is_addon = models.BooleanField(_("add-on"), default=False, help_text=_("Bought beside a plan, for whole periods."))

    class Meta:
        ordering = ["position", "slug"]

    def __str__(self) -> str:
        return self.slug


class PlanVersion(models.Model):
    """The terms of a plan. Once published nothing in it changes: subscribers stay on what they agreed to."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField(_("number"))
    state = models.CharField(_("state"), max_length=10, choices=VersionState.choices, default=VersionState.DRAFT)
    currency = models.CharField(_("currency"), max_length=3, default="usd")
    interval = models.CharField(
        _("interval"), max_length=8, choices=BillingInterval.choices, default=BillingInterval.MONTH
    )
    funding = models.CharField(_("funding"), max_length=8, choices=Funding.choices, default=Funding.INVOICED)
    trial_days = models.PositiveSmallIntegerField(
        _("trial days"), default=0, help_text=_("Days without the fee at the beginning, once for each customer.")
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    published_at = models.DateTimeField(_("published"), null=True, blank=True)

    class Meta:
        ordering = ["plan", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["plan", "number"], name="plan_version_number_once"),
            models.UniqueConstraint(
                fields=["plan"], condition=models.Q(state="published"), name="plan_version_on_offer_once"
            ),
            models.UniqueConstraint(fields=["plan"], condition=models.Q(state="draft"), name="plan_version_draft_once"),
        ]

    def __str__(self) -> str:
        return f"{self.plan.slug} v{self.number}"


class Price(models.Model):
    """The price of a meter's units for one plugin or for every plugin; without a meter, the fee of a period.

    A version that is sold in several currencies has each price in each of them.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    plan_version = models.ForeignKey(PlanVersion, on_delete=models.CASCADE, related_name="prices")
    meter = models.ForeignKey(Meter, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    plugin = models.CharField(_("plugin"), max_length=100, default=EVERY_PLUGIN)
    model = models.CharField(_("model"), max_length=12, choices=PricingModel.choices, default=PricingModel.PER_UNIT)
    currency = models.CharField(_("currency"), max_length=3, default="usd")
    amount = AmountField(_("amount"), default=0)
    tiers = models.JSONField(_("tiers"), default=list, blank=True)
    package_size = QuantityField(_("units in a package"), default=0, blank=True)
    free_units = QuantityField(_("free units before the first package"), default=0, blank=True)

    class Meta:
        ordering = ["plan_version", "currency", "meter", "plugin"]
        constraints = [
            models.UniqueConstraint(fields=["plan_version", "meter", "plugin", "currency"], name="price_once"),
            models.UniqueConstraint(
                fields=["plan_version", "currency"],
                condition=models.Q(meter__isnull=True),
                name="price_one_recurring_fee",
            ),
            models.CheckConstraint(
                condition=models.Q(meter__isnull=False) | models.Q(model="flat", plugin="*"),
                name="price_recurring_fee_is_flat",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.plugin} {self.model}"

    def clean(self) -> None:
        """What the admin checks before it saves a draft. Raises Django's `ValidationError`."""
        try:
            check(self.rule)
        except InvalidPrice as error:
            raise ValidationError(str(error)) from error

    @property
    def rule(self) -> PriceRule:
        """What `domain.rating` rates by. Raises `InvalidPrice` for tiers of a wrong form (drafts only)."""
        tiers = tiers_from_json(self.tiers)
        # a row that is not saved yet has the whole numbers of the defaults
        amount, size, free = Decimal(self.amount), Decimal(self.package_size), Decimal(self.free_units)
        return PriceRule(PriceModel(self.model), amount, tiers, size, free)


class Entitlement(models.Model):
    """Which plugins a plan covers and how far. Without a meter the limit is on the plugin's own billing unit."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    plan_version = models.ForeignKey(PlanVersion, on_delete=models.CASCADE, related_name="entitlements")
    plugin = models.CharField(_("plugin"), max_length=100, default=EVERY_PLUGIN)
    meter = models.ForeignKey(Meter, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    limit = QuantityField(_("limit"), null=True, blank=True)
    hard = models.BooleanField(_("stop at the limit"), default=False)
    rate_per_minute = models.PositiveIntegerField(_("requests per minute"), null=True, blank=True)
    max_in_flight = models.PositiveIntegerField(_("unfinished jobs"), null=True, blank=True)
    priority = models.SmallIntegerField(_("priority"), default=0)

    class Meta:
        ordering = ["plan_version", "plugin"]
        constraints = [
            models.UniqueConstraint(fields=["plan_version", "plugin"], name="entitlement_once"),
            models.CheckConstraint(
                condition=models.Q(hard=False) | models.Q(limit__isnull=False), name="entitlement_hard_has_limit"
            ),
        ]

    def __str__(self) -> str:
        return self.plugin


class Feature(models.Model):
    """Something that a plan has or has not, as a report in the customer's own layout."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    slug = models.SlugField(_("slug"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=100)
    name_zh = models.CharField(_("name in Chinese"), max_length=100, blank=True)

    class Meta:
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.slug


class PlanFeature(models.Model):
    """A feature that a version of a plan has."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    plan_version = models.ForeignKey(PlanVersion, on_delete=models.CASCADE, related_name="features")
    feature = models.ForeignKey(Feature, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["plan_version", "feature"]
        constraints = [models.UniqueConstraint(fields=["plan_version", "feature"], name="plan_feature_once")]

    def __str__(self) -> str:
        return str(self.feature)
