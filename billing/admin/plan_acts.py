"""What operators do to versions of plans: publish, draft the next one, move subscribers."""

from __future__ import annotations

from billing import catalogue, moving
from billing.admin import preview
from billing.admin.acts import Act, Data, Table
from billing.admin.forms import WhenForm
from billing.admin.shown import money
from billing.domain.money import total
from billing.models import PlanVersion, Subscription, SubscriptionStatus, VersionState
from billing.moving import MoveEffect


def _publish(version: PlanVersion, data: Data, actor: str) -> str:
    catalogue.publish(version, actor=actor)
    return f"{version} is on offer."


def _shown_before_publishing(version: PlanVersion) -> list[Table]:
    faults = catalogue.plan_faults(version) if version.state == VersionState.DRAFT else []
    on_plan = Subscription.objects.filter(plan_version__plan=version.plan_id)
    staying = on_plan.exclude(status=SubscriptionStatus.CANCELED).count()
    stopping = [Table("What stops publishing", ("Fault",), [[fault] for fault in faults])] if faults else []
    kept = Table("", ("Subscribers who stay on their version",), [[str(staying)]])
    return [*stopping, kept, *preview.tables(version, preview.EXAMPLES)]


def _draft(version: PlanVersion, data: Data, actor: str) -> str:
    return f"{catalogue.draft_from(version, actor=actor)} is the draft."


def _move(version: PlanVersion, data: Data, actor: str) -> str:
    done = moving.move(version, actor=actor, when=data["when"])
    left = f" {len(done.left)} were left: {', '.join(sorted(set(done.left.values())))}." if done.left else ""
    return f"{len(done.moved)} subscribers were moved to {version}.{left}"


def _effect(version: PlanVersion) -> list[Table]:
    header = ("Customer", "Version", "Fee now", "Fee after", "Use now", "Use after", "Difference", "Remarks")
    effects = moving.effect(version)
    return [Table("Effect on each subscriber, by the last period", header, [*map(_row, effects), *_totals(effects)])]


def _row(each: MoveEffect) -> list[str]:
    amounts = (each.fee_before, each.fee_after, each.usage_before, each.usage_after, each.difference)
    lost = f"no longer covered: {', '.join(each.lost)}" if each.lost else ""
    stays = f"stays: {each.obstacle}" if each.obstacle else ""
    shown = [money(amount, each.currency) for amount in amounts]
    return [each.tenant_name, f"v{each.version}", *shown, "; ".join(filter(None, (stays, lost)))]


def _totals(effects: list[MoveEffect]) -> list[list[str]]:
    """By currency, of those who can be moved."""
    found = []
    for currency in sorted({each.currency for each in effects}):
        moved = [each for each in effects if each.currency == currency and not each.obstacle]
        names = ("fee_before", "fee_after", "usage_before", "usage_after", "difference")
        sums = [money(total(getattr(each, name) for each in moved), currency) for name in names]
        found.append([f"Together: {len(moved)}", "", *sums, ""])
    return found


PUBLISH = Act(
    "Publish the draft", "Publish", _publish, tables=_shown_before_publishing,
    notes=["From then on it never changes, and new subscribers get it. Who is subscribed stays where he is."],
)  # fmt: skip
DRAFT = Act(
    "Draft the next version", "Make the draft", _draft,
    notes=["A draft with the terms of this version, to edit; the plan's draft, unchanged, where it has one already."],
)  # fmt: skip
MOVE = Act(
    "Move subscribers to this version", "Move them", _move, form=WhenForm, tables=_effect,
    notes=["Everybody of the plan's other versions comes to this one. Amounts are before tax and discounts."],
)  # fmt: skip
