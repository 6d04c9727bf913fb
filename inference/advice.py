"""Advice of the rules beside the network, for a result as it stands."""

from __future__ import annotations

from inference.domain.advice import Advice
from inference.domain.reading import Reading
from inference.models import Result


def advice_of(result: Result, reading: Reading) -> tuple[Advice, ...]:
    """What published guidelines say to the standing findings; empty where no table speaks of them."""
    return ()
