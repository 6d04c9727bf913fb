from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from config.environment import (
    UNIX_SOCKET_PATH_LIMIT,
    Environment,
    UnusableSettings,
    read_environment,
    redis_socket,
    stored_secret,
)

pytestmark = pytest.mark.database_free

SAFE = {
    "ASSAY_ENV": "production",
    "ASSAY_SECRET_KEY": "kx7Qp" * 12,
    "ASSAY_ALLOWED_HOSTS": "assay.example,api.assay.example",
    "ASSAY_PUBLIC_BASE_URL": "https://assay.example",
    "DATABASE_URL": "postgres://assay@db/assay",
    "REDIS_URL": "redis://cache/0",
}


def environment(monkeypatch: pytest.MonkeyPatch, **changes: str) -> Environment:
    for name, value in {**SAFE, **changes}.items():
        monkeypatch.setenv(name, value)
    return Environment()


def test_production_starts_with_safe_values(monkeypatch: pytest.MonkeyPatch) -> None:
    assert environment(monkeypatch).allowed_hosts == ["assay.example", "api.assay.example"]


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("ASSAY_DEBUG", "true", "ASSAY_DEBUG"),
        ("ASSAY_SECRET_KEY", "", "ASSAY_SECRET_KEY"),
        ("ASSAY_SECRET_KEY", "short", "ASSAY_SECRET_KEY"),
        ("ASSAY_SECRET_KEY", "django-insecure" + "k" * 60, "sample"),
        ("ASSAY_ALLOWED_HOSTS", "*", "ASSAY_ALLOWED_HOSTS"),
        ("ASSAY_ALLOWED_HOSTS", "*.example", "ASSAY_ALLOWED_HOSTS"),
        ("ASSAY_ALLOWED_HOSTS", ".example", "ASSAY_ALLOWED_HOSTS"),
        ("ASSAY_SECRET_KEY", "a" * 60, "random"),
        ("ASSAY_PUBLIC_BASE_URL", "http://assay.example", "https"),
        ("DATABASE_URL", "", "PostgreSQL"),
        ("REDIS_URL", "", "REDIS_URL"),
    ],
)
def test_production_refuses_an_unsafe_value(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, complaint: str
) -> None:
    with pytest.raises(ValidationError, match=complaint):
        environment(monkeypatch, **{name: value})


def test_development_needs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SAFE:
        monkeypatch.delenv(name, raising=False)
    assert Environment().env == "development"


def test_a_stored_secret_is_made_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "django.key"
    first = stored_secret(path)
    assert stored_secret(path) == first
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(first) > 50


def test_the_redis_socket_fits_a_unix_address_however_deep_the_folder_is(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * UNIX_SOCKET_PATH_LIMIT)
    assert len(str(redis_socket(deep))) <= UNIX_SOCKET_PATH_LIMIT
    assert redis_socket(deep) != redis_socket(deep / "other")
    assert redis_socket(Path("/srv")) == Path("/srv/redis/redis.sock")


def complaint(monkeypatch: pytest.MonkeyPatch, **changes: str) -> str:
    for name, value in changes.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UnusableSettings) as refused:
        read_environment()
    return str(refused.value)


def test_what_can_not_be_used_is_named_by_its_variable_and_its_value_is_not_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert complaint(monkeypatch, ASSAY_LEASE_SECONDS="soon").startswith("ASSAY_LEASE_SECONDS: ")
    monkeypatch.setenv("ASSAY_LEASE_SECONDS", "60")
    told = complaint(monkeypatch, ASSAY_ENV="production", REDIS_URL="redis://:hunter2@cache/0", ASSAY_SECRET_KEY="weak")
    assert told.startswith("production refuses to start: ")
    assert "hunter2" not in told
    assert "weak" not in told


def test_a_data_directory_that_is_a_file_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "ASSAY_DATA_DIR" in complaint(monkeypatch, ASSAY_DATA_DIR=str(tmp_path / "file"))
