"""Everything that an operator can set, typed, read once from the environment."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import secrets
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AliasChoices,
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

ROOT = Path(__file__).resolve().parents[2]
SHORTEST_KEY = 50
FEWEST_DIFFERENT_CHARACTERS = 5
UNIX_SOCKET_PATH_LIMIT = 100
UP_LOCK, FAKE_STRIPE = "up.lock", "fake-stripe.env"
"""Files in the data directory: held by `up`, and the settings by which every command there finds its fake of Stripe."""


class UnusableSettings(Exception):
    """Settings that can not be used; the text has a line for each, with the variable's name and no value."""


class Environment(BaseSettings):
    """One field per setting; the variable is `ASSAY_` + the name, except where an alias says otherwise."""

    model_config = SettingsConfigDict(
        env_prefix="ASSAY_", extra="ignore", env_ignore_empty=True, hide_input_in_errors=True
    )

    env: Literal["development", "production"] = "development"
    debug: bool = False
    secret_key: SecretStr | None = None
    master_key: SecretStr | None = None
    master_key_fallbacks: Annotated[list[SecretStr], NoDecode] = []
    allowed_hosts: Annotated[list[str], NoDecode] = ["127.0.0.1", "localhost", "[::1]"]
    csrf_trusted_origins: Annotated[list[str], NoDecode] = []
    public_base_url: str = ""
    data_dir: Path = ROOT / "var"
    database_url: str = Field(default="", validation_alias=AliasChoices("DATABASE_URL", "ASSAY_DATABASE_URL"))
    redis_url: str = Field(default="", validation_alias=AliasChoices("REDIS_URL", "ASSAY_REDIS_URL"))
    storage_url: str = ""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["console", "json"] = "console"

    billing_provider: Literal["", "local", "stripe"] = ""
    stripe_secret_key: SecretStr | None = Field(default=None, validation_alias="STRIPE_SECRET_KEY")
    stripe_webhook_secrets: Annotated[list[str], NoDecode] = Field(
        default=[], validation_alias="STRIPE_WEBHOOK_SECRETS"
    )
    stripe_api_base: str = Field(default="", validation_alias="STRIPE_API_BASE")
    stripe_api_version: str = Field(default="2026-10-28.endive", validation_alias="STRIPE_API_VERSION")
    stripe_usage_mode: Literal["meter_events", "invoice_items"] = Field(
        default="meter_events", validation_alias="STRIPE_USAGE_MODE"
    )

    lease_seconds: PositiveFloat = 60
    heartbeat_seconds: PositiveFloat = 10
    sweep_seconds: PositiveFloat = 5
    poll_seconds: PositiveFloat = 5
    max_attempts: PositiveInt = 3
    retry_delay_seconds: float = 2
    reservation_seconds: PositiveInt = 7 * 24 * 3600
    long_poll_seconds: PositiveInt = 60
    idempotency_seconds: PositiveFloat = 600
    tensorflow_threads: PositiveInt = 1
    requests_per_minute: PositiveInt = 6_000
    intake_children: PositiveInt = 2
    invoice_days: PositiveInt = 14
    grace_days: PositiveInt = 14
    adjustment_limit: NonNegativeInt = 10_000
    issuer_name: str = "Assay"
    issuer_address: Annotated[list[str], NoDecode] = []
    issuer_tax_id: str = ""
    compute_cost_per_hour: Annotated[Decimal, Field(ge=0)] = Decimal(0)
    compute_cost_currency: str = "usd"

    @model_validator(mode="before")
    @classmethod
    def split_lists(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Lists are written with commas."""
        for name in (
            "allowed_hosts",
            "master_key_fallbacks",
            "csrf_trusted_origins",
            "issuer_address",
            "STRIPE_WEBHOOK_SECRETS",
        ):
            if isinstance(values.get(name), str):
                values[name] = [part.strip() for part in values[name].split(",") if part.strip()]
        return values

    @model_validator(mode="after")
    def make_paths_absolute(self) -> Self:
        self.data_dir = self.data_dir.expanduser().resolve()
        return self

    @model_validator(mode="after")
    def refuse_unsafe_production(self) -> Self:
        """Production starts with safe values or not at all."""
        if self.env == "production":
            faults = list(self._production_faults())
            if faults:
                raise ValueError("production refuses to start: " + "; ".join(faults))
        return self

    def _production_faults(self) -> list[str]:
        key = self.secret_key.get_secret_value() if self.secret_key else ""
        checks = {
            "ASSAY_DEBUG must be off": self.debug,
            f"ASSAY_SECRET_KEY must be set, with at least {SHORTEST_KEY} characters": len(key) < SHORTEST_KEY,
            "ASSAY_SECRET_KEY must be random": 0 < len(set(key)) < FEWEST_DIFFERENT_CHARACTERS,
            "ASSAY_SECRET_KEY must not be a sample value": key.startswith(("django-insecure", "change-me")),
            f"ASSAY_MASTER_KEY must have at least {SHORTEST_KEY} characters": self.master_key is not None
            and len(self.master_key.get_secret_value()) < SHORTEST_KEY,
            "ASSAY_ALLOWED_HOSTS must name hosts, without wildcards": any(
                "*" in host or host.startswith(".") for host in self.allowed_hosts
            ),
            "ASSAY_PUBLIC_BASE_URL must be an https address": not self.public_base_url.startswith("https://"),
            "DATABASE_URL must name a PostgreSQL server": not self.database_url.startswith("postgres"),
            "REDIS_URL must name a Redis server": not self.redis_url,
        }
        return [text for text, broken in checks.items() if broken]


def read_environment() -> Environment:
    """The settings of this process. Raises `UnusableSettings`; values, which may be secret, are not told."""
    try:
        found = Environment()
        found.data_dir.mkdir(parents=True, exist_ok=True)
        if found.env != "production" and found.stripe_secret_key is None and is_held(found.data_dir):
            # one that is not there says nothing
            found = Environment(_env_file=found.data_dir / FAKE_STRIPE)  # type: ignore[call-arg]  # of the settings class
    except ValidationError as error:
        raise UnusableSettings("\n".join(_told(each["loc"], each["msg"]) for each in error.errors())) from None
    except OSError as error:
        raise UnusableSettings(f"ASSAY_DATA_DIR can not be used: {error}") from error
    return found


def is_held(data_dir: Path) -> bool:
    """Whether an `up` runs on the data directory: what it left behind when it was killed does not count."""
    try:
        with (data_dir / UP_LOCK).open("rb") as handle:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _told(place: tuple[int | str, ...], message: str) -> str:
    """A fault with the variable's name in front; faults of several variables name them themselves."""
    reason = message.removeprefix("Value error, ")
    if not place:
        return reason
    name = str(place[0])
    return f"{name if name.isupper() else f'ASSAY_{name.upper()}'}: {reason}"


def stored_secret(path: Path) -> str:
    """A random key of this installation, made on first use and readable by its owner only."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_urlsafe(64), encoding="ascii")
        # a link, not a rename: where another process of this installation was first, its key is the key
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(fresh)
        fresh.unlink()
    return path.read_text(encoding="ascii").strip()


def redis_socket(data_dir: Path) -> Path:
    """Where the embedded Redis listens. Unix limits the length of such a path, so deep folders get a short stand-in."""
    path = data_dir / "redis" / "redis.sock"
    if len(str(path)) <= UNIX_SOCKET_PATH_LIMIT:
        return path
    digest = hashlib.sha256(str(data_dir).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"assay-{digest}" / "redis.sock"
