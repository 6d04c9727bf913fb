"""The demo installation: a demo customer with logins that are made once and kept."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from ops.tenancy import create_customer
from tenants.context import operator_context
from tenants.models import User

PLAN = "per-service"
CUSTOMER_EMAIL = "customer@demo.example"
OPERATOR_EMAIL = "operator@demo.example"


@dataclass(frozen=True, slots=True)
class Logins:
    """Credentials of the demo installation, kept in the data directory, readable by its owner only."""

    api_key: str
    customer_email: str
    customer_password: str
    operator_email: str
    operator_password: str


def logins(data_dir: Path) -> Logins:
    """The demo's logins; made, with the customer behind them, on first use."""
    path = data_dir / "demo.json"
    if path.exists():
        return Logins(**json.loads(path.read_text(encoding="utf-8")))
    made = _make_logins()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        json.dump(asdict(made), handle, indent=1)
    return made


def _make_logins() -> Logins:
    with operator_context():
        customer = create_customer("Demo Clinic", CUSTOMER_EMAIL, PLAN, again=True)
        customer_password = _give_password(customer.owner)
        operator, _ = User.objects.get_or_create(
            email=OPERATOR_EMAIL, defaults={"is_staff": True, "is_superuser": True}
        )
        operator_password = _give_password(operator)
    return Logins(customer.api_key, CUSTOMER_EMAIL, customer_password, OPERATOR_EMAIL, operator_password)


def _give_password(user: User) -> str:
    password = secrets.token_urlsafe(9)
    user.set_password(password)
    user.save(update_fields=["password"])
    return password
