"""A fake of Stripe as one more part of a running installation, to click through Checkout and the portal offline."""

from __future__ import annotations

import secrets
import sys
from dataclasses import dataclass

from django.conf import settings

from ops.parts import Part

MODULE = "tests.fakes.stripe"
"""Run, not imported: it belongs to the tests, and is there in a checkout of the source only."""


@dataclass(frozen=True, slots=True)
class FakeStripe:
    """The process, and the settings by which all other parts collect with it."""

    part: Part
    settings: dict[str, str]


def fake_stripe(host: str, port: int, fake_port: int) -> FakeStripe:
    """The fake listens on loopback only, and posts its webhooks to the portal with a secret of this run.

    What it knows of customers and invoices is kept in the data directory, beside our notes of it.
    """
    secret = f"whsec_{secrets.token_hex(16)}"
    webhook = f"http://{host}:{port}/webhooks/stripe/"
    command = [sys.executable, "-m", MODULE, "--port", str(fake_port), "--webhook", webhook, "--secret", secret]
    command += ["--state", str(settings.ASSAY_DATA_DIR / "fake-stripe.state")]
    return FakeStripe(
        Part("stripe", command),
        {
            "STRIPE_SECRET_KEY": "sk_test_fake",
            "STRIPE_WEBHOOK_SECRETS": secret,
            "STRIPE_API_BASE": f"http://127.0.0.1:{fake_port}",
        },
    )


def tell(made: FakeStripe) -> None:
    """Let commands on the same data directory collect by the fake, too."""
    path = settings.ASSAY_FAKE_STRIPE
    path.touch(mode=0o600)
    path.write_text("".join(f"{name}={value}\n" for name, value in made.settings.items()), encoding="ascii")


def forget() -> None:
    """There is no fake any more."""
    path = settings.ASSAY_FAKE_STRIPE
    path.unlink(missing_ok=True)
