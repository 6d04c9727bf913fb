"""Django's settings, derived from `environment.Environment`; nothing here reads the process environment itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dj_database_url
from django.utils.translation import gettext_lazy as _

from config.environment import (
    FAKE_STRIPE,
    ROOT,
    UP_LOCK,
    UnusableSettings,
    read_environment,
    redis_socket,
    stored_secret,
)
from config.logs import configure_logging

environment = read_environment()

ASSAY_DATA_DIR: Path = environment.data_dir
ASSAY_UP_LOCK = ASSAY_DATA_DIR / UP_LOCK
ASSAY_FAKE_STRIPE = ASSAY_DATA_DIR / FAKE_STRIPE
ASSAY_PRODUCTION = environment.env == "production"
ASSAY_PUBLIC_BASE_URL = environment.public_base_url.rstrip("/")
ASSAY_LEASE_SECONDS = environment.lease_seconds
ASSAY_HEARTBEAT_SECONDS = environment.heartbeat_seconds
ASSAY_SWEEP_SECONDS = environment.sweep_seconds
ASSAY_POLL_SECONDS = environment.poll_seconds
ASSAY_MAX_ATTEMPTS = environment.max_attempts
ASSAY_RETRY_DELAY_SECONDS = environment.retry_delay_seconds
ASSAY_RESERVATION_SECONDS = environment.reservation_seconds
ASSAY_LONG_POLL_SECONDS = environment.long_poll_seconds
ASSAY_IDEMPOTENCY_SECONDS = environment.idempotency_seconds
ASSAY_REQUESTS_PER_MINUTE = environment.requests_per_minute
ASSAY_TENSORFLOW_THREADS = environment.tensorflow_threads
ASSAY_INVOICE_DAYS = environment.invoice_days
ASSAY_GRACE_DAYS = environment.grace_days
ASSAY_ADJUSTMENT_LIMIT = environment.adjustment_limit
ASSAY_ISSUER = {
    "name": environment.issuer_name,
    "address": environment.issuer_address,
    "tax_id": environment.issuer_tax_id,
}
# of one hour of a processor, minor units; 0: not known
ASSAY_COMPUTE_COST_PER_HOUR = environment.compute_cost_per_hour
ASSAY_COMPUTE_COST_CURRENCY = environment.compute_cost_currency
ASSAY_INTAKE: dict[str, Any] = {"children": environment.intake_children}

STRIPE_SECRET_KEY = environment.stripe_secret_key.get_secret_value() if environment.stripe_secret_key else ""
STRIPE_WEBHOOK_SECRETS = environment.stripe_webhook_secrets
STRIPE_API_BASE = environment.stripe_api_base
STRIPE_API_VERSION = environment.stripe_api_version
STRIPE_USAGE_MODE = environment.stripe_usage_mode
ASSAY_TEST_PAYMENTS = not ASSAY_PRODUCTION
"""Whether our own checkout page may play a payment; no money moves."""
ASSAY_BILLING_PROVIDER = environment.billing_provider or ("stripe" if STRIPE_SECRET_KEY else "local")

SECRET_KEY = (
    environment.secret_key.get_secret_value()
    if environment.secret_key
    else stored_secret(ASSAY_DATA_DIR / "keys" / "django.key")
)
# the first wraps the tenants' data keys, all of them open: `manage.py data_keys rewrap` after a change
ASSAY_MASTER_KEYS: tuple[str, ...] = (
    *(key.get_secret_value() for key in (environment.master_key, *environment.master_key_fallbacks) if key),
    SECRET_KEY,
)
DEBUG = environment.debug
ALLOWED_HOSTS = environment.allowed_hosts
CSRF_TRUSTED_ORIGINS = environment.csrf_trusted_origins

INSTALLED_APPS = [
    # before the admin, whose templates it replaces; not its default config, which would put a site of its own in the
    # place of ours
    "unfold.apps.BasicAppConfig",
    "config.admin.AssayAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "tenants",
    "billing",
    "inference",
    "api",
    "portal",
    "ops",
]
MIDDLEWARE = [
    "config.request_id.RequestIdMiddleware",
    # before all that looks at the host or asks for TLS: a probe knows neither
    "ops.health.HealthMiddleware",
    "portal.security.ContentSecurityPolicy",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    # before all that reads a body, behind what decides in which language a refusal is told
    "api.lengthless.LengthMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.context.test_payments",
            ]
        },
    }
]

SQLITE_OPTIONS = {
    # IMMEDIATE takes the write lock at BEGIN: a read-then-write transaction never fails half-way with "locked"
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
}


POSTGRESQL_OPTIONS = {
    # a server that went away without a word must not hold a thread, or the keeper of leases, for minutes
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


def database(url: str) -> dict[str, Any]:
    """Django's description of one database. Raises `UnusableSettings`."""
    try:
        found: dict[str, Any] = dict(dj_database_url.parse(url, conn_max_age=300, conn_health_checks=True))
    except ValueError as error:
        raise UnusableSettings(f"DATABASE_URL: {error}") from None
    if found["ENGINE"].endswith("sqlite3"):
        found["OPTIONS"] = SQLITE_OPTIONS
    elif found["ENGINE"].endswith("postgresql"):
        found["OPTIONS"] = {**POSTGRESQL_OPTIONS, **found.get("OPTIONS", {})}
    return found


DATABASES = {"default": database(environment.database_url or f"sqlite:///{ASSAY_DATA_DIR / 'assay.sqlite3'}")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

ASSAY_REDIS_SOCKET = redis_socket(ASSAY_DATA_DIR)
ASSAY_REDIS_EMBEDDED = not environment.redis_url
ASSAY_REDIS_URL = environment.redis_url or f"unix://{ASSAY_REDIS_SOCKET}"

AUTH_USER_MODEL = "tenants.User"
LOGIN_URL = "portal:login"
LOGIN_REDIRECT_URL = "portal:home"
LOGOUT_REDIRECT_URL = "portal:login"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
LOCALE_PATHS = [ROOT / "platform" / "portal" / "locale"]
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = ASSAY_DATA_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)
WHITENOISE_USE_FINDERS = True
STORAGES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(ASSAY_DATA_DIR / "files")},
    },
    "studies": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(ASSAY_DATA_DIR / "studies")},
    },
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
FILE_UPLOAD_TEMP_DIR = ASSAY_DATA_DIR / "uploads"
FILE_UPLOAD_TEMP_DIR.mkdir(exist_ok=True)
# files go to disk beyond 1 MB, so that an upload of any size costs bounded memory
FILE_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
DATA_UPLOAD_MAX_MEMORY_SIZE = 10_000_000
DATA_UPLOAD_MAX_NUMBER_FILES = 2_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1_000

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = ASSAY_PRODUCTION
CSRF_COOKIE_SECURE = ASSAY_PRODUCTION
CSRF_FAILURE_VIEW = "portal.failures.csrf"
SECURE_HSTS_SECONDS = 31_536_000 if ASSAY_PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = ASSAY_PRODUCTION
SECURE_HSTS_PRELOAD = ASSAY_PRODUCTION
SECURE_SSL_REDIRECT = ASSAY_PRODUCTION
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if ASSAY_PRODUCTION else None
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Assay",
    "SITE_HEADER": "Assay",
    "SIDEBAR": {"navigation": "config.navigation.menu", "show_search": False},
}

REST_FRAMEWORK: dict[str, Any] = {
    # authentication, permissions and throttling stand at `api.base.TenantAPIView`
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["api.parsing.CleanJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "api.errors.problem_response",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Assay",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SERVE_INCLUDE_SCHEMA": False,
    # the name that the kinds of a study had before anything else had kinds
    "ENUM_NAME_OVERRIDES": {"KindEnum": ["dicom", "image"]},
}

configure_logging(environment.log_level, environment.log_format)
LOGGING_CONFIG = None
