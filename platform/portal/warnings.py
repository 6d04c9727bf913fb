"""Alerts as sentences: which limit, how far, and what happens at it."""

from __future__ import annotations

from decimal import Decimal

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from billing.domain.money import ZERO, plain
from billing.models import EVERY_PLUGIN, Alert, AlertKind
from portal.names import plugin_title, unit_name
from portal.prices import exact_money


def sentence(alert: Alert, currency: str) -> str:
    """What an alert tells its reader."""
    match alert.kind:
        case AlertKind.QUOTA:
            return _quota(alert)
        case AlertKind.SPENDING:
            return _spending(alert, currency)
    left = {"threshold": alert.threshold, "currency": alert.subject.upper()}
    return _("%(threshold)s %% of the credits in %(currency)s are used.") % left


def _quota(alert: Alert) -> str:
    meter, _colon, plugin = alert.subject.partition(":")
    what = unit_name(meter) if plugin == EVERY_PLUGIN else f"{unit_name(meter)} · {plugin_title(plugin)}"
    told = {"threshold": alert.threshold, "what": what, "limit": number_format(plain(_number(alert, "limit")))}
    return _("%(threshold)s %% of the quota of %(limit)s is used: %(what)s.") % told


def _spending(alert: Alert, currency: str) -> str:
    told = {"threshold": alert.threshold, "cap": exact_money(_number(alert, "limit"), currency)}
    if alert.subject == "hard":
        return _("%(threshold)s %% of the hard spending cap of %(cap)s is used. At the cap new work is refused.") % told
    return _("%(threshold)s %% of the soft spending cap of %(cap)s is used.") % told


def _number(alert: Alert, name: str) -> Decimal:
    text = alert.detail.get(name)
    return Decimal(str(text)) if text else ZERO
