"""The provider's account behind the key: noted when it is first opened, and held against every later key."""

from __future__ import annotations

from billing import providers
from billing.models import ProviderAccount
from billing.providers.base import BillingProvider, Rejected, TryAgain

CLOSED_DOOR_SECONDS = 3600
"""An operator has to mend it: so long nothing is tried again."""


class WrongAccount(RuntimeError):
    """The key opens another account, or another mode, than the one that the books speak of."""


def note() -> None:
    """Note each outside provider's account. Raises `WrongAccount`, and `TryAgain` where it can not be asked."""
    for name in providers.configured():
        if name != providers.LOCAL:
            _note(providers.by_name(name))


def usable(name: str) -> BillingProvider:
    """The provider of this name. Raises `TryAgain` where it is not set up, or where its key may not be used."""
    try:
        provider = providers.by_name(name)
    except providers.NoSuchProvider as missing:
        raise TryAgain(f"the provider {name} is not set up", after=CLOSED_DOOR_SECONDS) from missing
    if wrong := fault(provider):
        raise TryAgain(wrong, after=CLOSED_DOOR_SECONDS)
    return provider


def fault(provider: BillingProvider) -> str:
    """Why nothing may be sent with this key; nothing where all is well. Asks nobody."""
    known = ProviderAccount.objects.filter(provider=provider.name).first()
    if known is None or known.livemode == provider.livemode:
        return ""
    modes = {True: "live", False: "test"}
    return f"the key of {provider.name} is of {modes[provider.livemode]} mode, the books are of {modes[known.livemode]}"


def _note(provider: BillingProvider) -> None:
    known = ProviderAccount.objects.filter(provider=provider.name).first()
    if wrong := fault(provider):
        raise WrongAccount(wrong)
    if known is None or not known.account:
        try:
            account = provider.account()
        except Rejected as refusal:
            raise TryAgain(str(refusal)) from refusal
        values = {"account": account, "livemode": provider.livemode}
        ProviderAccount.objects.update_or_create(provider=provider.name, defaults=values)
