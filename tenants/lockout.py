"""The brake on guessing passwords: counted in Redis by digests, so that no e-mail is written anywhere."""

from __future__ import annotations

import hashlib

from django.conf import settings
from django.http import HttpRequest

from tenants import rates

FAILURES_FROM_ONE_ADDRESS = 10
FAILURES_IN_ALL = 100
"""More than from one address, so that a stranger elsewhere does not lock a person out by a few tries."""
WINDOW_SECONDS = 300


def claimed(request: HttpRequest) -> tuple[str, str]:
    """Who the sender of a log-in form says to be, and the address that it comes from."""
    return request.POST.get("username", ""), address_of(request)


def address_of(request: HttpRequest) -> str:
    """Where a request comes from.

    In production a proxy stands in front of us, whose own address would make one crowd of all people. What it adds to
    `X-Forwarded-For` comes last; all before that is the sender's word.
    """
    forwarded: str = request.META.get("HTTP_X_FORWARDED_FOR", "") if settings.ASSAY_PRODUCTION else ""
    return forwarded.rpartition(",")[2].strip() or request.META.get("REMOTE_ADDR", "")


def is_locked(email: str, address: str) -> bool:
    """Whether a log-in must wait, whatever the password."""
    own, everywhere = _failures(email, address, 0)
    return own >= FAILURES_FROM_ONE_ADDRESS or everywhere >= FAILURES_IN_ALL


def note_failure(email: str, address: str) -> None:
    """One more wrong password."""
    _failures(email, address, 1)


def _failures(email: str, address: str, more: int) -> tuple[int, int]:
    person = email.strip().lower()
    keys = (f"{person}\n{address}", person)
    own, everywhere = (rates.count(f"login:{_digest(key)}", WINDOW_SECONDS, more) for key in keys)
    return own, everywhere


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
