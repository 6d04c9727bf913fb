"""Advice of the rules beside the network, for a result as it stands."""

from __future__ import annotations

from inference.comparison import comparison_of
from inference.domain.advice import Advice
from inference.domain.advising import advice_for_ct, risk_of
from inference.domain.own_rules import advice_for_film
from inference.domain.reading import Reading
from inference.models import Result

# the analyses whose findings a table or a rule speaks of; all others get no advice
CT_LUNG, CHEST_FILM = "ct-lung-nodule", "xray-chest-nodule"


def advice_of(result: Result, reading: Reading) -> tuple[Advice, ...]:
    """What published guidelines say to the standing findings; empty where no table speaks of them.

    Needs the tenant's scope: a nodule that grew since an earlier study is beyond the table.
    """
    if result.job.plugin == CT_LUNG:
        risk = risk_of(result.job.params.get("risk"))
        return advice_for_ct(reading.standing, risk, comparison_of(result, reading))
    if result.job.plugin == CHEST_FILM:
        return advice_for_film(reading.standing)
    return ()
