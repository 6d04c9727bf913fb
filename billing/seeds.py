"""The standard plans. An operator changes them by new versions; what exists is never touched again."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection

from billing import catalogue
from billing.domain.money import plain
from billing.domain.rating import PriceModel
from billing.models import (
    EVERY_PLUGIN,
    Aggregation,
    BillingInterval,
    Entitlement,
    Funding,
    Meter,
    Plan,
    PlanVersion,
    Price,
)
from tenants.context import operator_context

ANALYSIS = "analysis"
METERS = {
    ANALYSIS: Aggregation.COUNT,
    **dict.fromkeys(("study", "series", "image", "1k_chars", "request", "item", "training_minute"), Aggregation.SUM),
}
"""By slug, which is also the unit: finished analyses, and every billing unit that a plugin can have."""


CURRENCIES = {"usd": Decimal(1), "eur": Decimal("0.9"), "cny": Decimal(7)}
"""What a price in us dollars is multiplied by: round list prices, no rate of the day."""


@dataclass(frozen=True, slots=True)
class PriceSeed:
    """`tiers` are (up to, unit amount) in minor units; with `amount` there are none."""

    meter: str | None
    plugin: str = EVERY_PLUGIN
    amount: str = "0"
    tiers: tuple[tuple[str | None, str], ...] = ()


@dataclass(frozen=True, slots=True)
class EntitlementSeed:
    plugin: str = EVERY_PLUGIN
    meter: str | None = None
    limit: int | None = None
    hard: bool = False


@dataclass(frozen=True, slots=True)
class PlanSeed:
    """A plan with the terms of its first version, in us dollars."""

    slug: str
    name: str
    name_zh: str
    description: str
    description_zh: str
    interval: BillingInterval
    prices: tuple[PriceSeed, ...]
    entitlements: tuple[EntitlementSeed, ...]
    is_trial: bool = False
    is_addon: bool = False
    funding: Funding = Funding.INVOICED


PLANS = (
    PlanSeed(
        "trial", "Trial", "试用",
        "Ten analyses, free of charge.", "免费分析十次。",
        BillingInterval.NONE,
        (PriceSeed(ANALYSIS),),
        (EntitlementSeed(meter=ANALYSIS, limit=10, hard=True),),
        is_trial=True,
    ),
    PlanSeed(
        "per-service", "Per service", "按次付费",
        "A fixed price for each completed analysis.", "每完成一次分析收取固定价格。",
        BillingInterval.MONTH,
        (PriceSeed(ANALYSIS, amount="500"), PriceSeed(ANALYSIS, "digits", "10")),
        (EntitlementSeed(meter=ANALYSIS),),
    ),
    PlanSeed(
        "pay-per-use", "Pay per use", "按量付费",
        "Every study, image or other unit is metered; the more, the cheaper.",
        "按检查、图像等计量收费，用量越大单价越低。",
        BillingInterval.MONTH,
        (
            PriceSeed("study", tiers=(("100", "400"), ("1000", "320"), (None, "250"))),
            PriceSeed("series", tiers=(("100", "300"), ("1000", "240"), (None, "190"))),
            PriceSeed("image", tiers=(("100", "200"), ("1000", "150"), (None, "100"))),
            PriceSeed("item", tiers=(("1000", "2"), (None, "1"))),
            PriceSeed("request", tiers=(("1000", "5"), (None, "3"))),
            PriceSeed("1k_chars", tiers=(("1000", "0.5"), (None, "0.25"))),
            PriceSeed("training_minute", amount="20"),
            PriceSeed("image", "digits", "1"),
        ),
        # digits has its own entitlement, so that its images do not climb the ladder of the others
        (EntitlementSeed(), EntitlementSeed("digits")),
    ),
    PlanSeed(
        "team", "Team", "团队版",
        "A monthly fee with 100 analyses included; each further one is charged.",
        "月费包含一百次分析，超出部分按次收费。",
        BillingInterval.MONTH,
        (PriceSeed(None, amount="19900"), PriceSeed(ANALYSIS, tiers=(("100", "0"), (None, "300")))),
        (EntitlementSeed(meter=ANALYSIS, limit=100),),
    ),
    PlanSeed(
        "team-yearly", "Team, yearly", "团队版（年付）",
        "A yearly fee with 1,200 analyses included; each further one is charged.",
        "年费包含一千二百次分析，超出部分按次收费。",
        BillingInterval.YEAR,
        (PriceSeed(None, amount="199000"), PriceSeed(ANALYSIS, tiers=(("1200", "0"), (None, "300")))),
        (EntitlementSeed(meter=ANALYSIS, limit=1200),),
    ),
    PlanSeed(
        "prepaid", "Prepaid", "预付费",
        "A fixed price for each completed analysis, paid from credits.",
        "每完成一次分析收取固定价格，从预付额度中扣除。",
        BillingInterval.MONTH,
        (PriceSeed(ANALYSIS, amount="500"), PriceSeed(ANALYSIS, "digits", "10")),
        (EntitlementSeed(meter=ANALYSIS),),
        funding=Funding.PREPAID,
    ),
    PlanSeed(
        "extra-100", "100 more analyses", "增加一百次分析",
        "100 more analyses a month beside a team plan.", "在团队版之外每月增加一百次分析。",
        BillingInterval.MONTH,
        (PriceSeed(None, amount="4900"),),
        (EntitlementSeed(meter=ANALYSIS, limit=100),),
        is_addon=True,
    ),
)  # fmt: skip


def seed() -> list[str]:
    """Make the meters and plans that are missing, and put them on offer; the slugs of the new plans."""
    with operator_context():
        for slug, aggregation in METERS.items():
            Meter.objects.get_or_create(slug=slug, defaults={"unit": slug, "aggregation": aggregation})
        known = set(Plan.objects.values_list("slug", flat=True))
        missing = [(place, each) for place, each in enumerate(PLANS) if each.slug not in known]
        for place, each in missing:
            _make(each, position=10 * (place + 1))
        return [each.slug for _place, each in missing]


def after_migrate(plan: Any = (), **_: Any) -> None:
    """Receiver of `post_migrate`: a fresh database has plans to subscribe to; nothing while it is taken down."""
    backwards = any(step_back for _migration, step_back in plan or ())
    if not backwards and Plan._meta.db_table in connection.introspection.table_names():
        seed()


def _make(wanted: PlanSeed, *, position: int) -> None:
    plan = Plan.objects.create(
        slug=wanted.slug, name=wanted.name, name_zh=wanted.name_zh, description=wanted.description,
        description_zh=wanted.description_zh, position=position, is_trial=wanted.is_trial, is_addon=wanted.is_addon,
    )  # fmt: skip
    version = PlanVersion.objects.create(plan=plan, number=1, interval=wanted.interval, funding=wanted.funding)
    meters = {meter.slug: meter for meter in Meter.objects.all()}
    for currency, factor in CURRENCIES.items():
        for price in wanted.prices:
            Price.objects.create(
                plan_version=version, currency=currency, meter=meters[price.meter] if price.meter else None,
                plugin=price.plugin, model=_model(price), amount=_times(price.amount, factor),
                tiers=[{"up_to": up_to, "unit_amount": _times(amount, factor)} for up_to, amount in price.tiers],
            )  # fmt: skip
    for each in wanted.entitlements:
        meter = meters[each.meter] if each.meter else None
        Entitlement.objects.create(
            plan_version=version, plugin=each.plugin, meter=meter, limit=each.limit, hard=each.hard
        )
    catalogue.publish(version, actor="system")


def _times(amount: str, factor: Decimal) -> str:
    return str(plain(Decimal(amount) * factor))


def _model(price: PriceSeed) -> PriceModel:
    if price.meter is None:
        return PriceModel.FLAT
    return PriceModel.GRADUATED if price.tiers else PriceModel.PER_UNIT
