"""Django's settings: pure data, read from the environment once. Nothing here writes a file or opens a connection."""

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from django.urls import reverse_lazy

from project import env, postgres
from project.admin_theme import unfold_settings

BASE_DIR = Path(__file__).resolve().parent.parent

## WHERE THINGS ARE

DATA_DIR = env.folder("ASKWELL_DATA", str(BASE_DIR / "var"))
MEDIA_ROOT = DATA_DIR / "files"
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]

## SECURITY

DEBUG = env.flag("ASKWELL_DEBUG", default=False)
SECRET_KEY = env.secret("SECRET_KEY", DATA_DIR / "secret-key")
ALLOWED_HOSTS = env.words("ASKWELL_HOSTS", ("*",))
CSRF_TRUSTED_ORIGINS = env.words("ASKWELL_ORIGINS")
HTTPS = env.flag("ASKWELL_HTTPS", default=False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SELF = "'self'"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
    },
}

## APPLICATIONS

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",  # the other one replaces our own admin site
    "project.apps.AskwellAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.forms",  # templates of widgets, which FORM_RENDERER finds like all others
    "django_htmx",
    "channels",
    "procrastinate.contrib.django",
    "tenants",
    "commerce",
    "knowledge",
    "agents",
    "chat",
    "project",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "project.middleware.DatabaseAwayMiddleware",
    "tenants.middleware.TenantHostMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "tenants.middleware.VisitorMiddleware",
    "tenants.middleware.AdminTenantMiddleware",
    "chat.middleware.TurnLimitMiddleware",
]
ROOT_URLCONF = "project.urls"
ASGI_APPLICATION = "project.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True  # static files are served from where they are: nothing to collect
WHITENOISE_AUTOREFRESH = DEBUG
FILE_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
DATA_UPLOAD_MAX_NUMBER_FILES = 500

## DATA

_database = env.database("DATABASE_URL") or postgres.connection_settings(DATA_DIR)
_pool = {"min_size": 1, "max_size": env.number("ASKWELL_POOL", 16, low=2, high=200), "timeout": 5}
# A connection that the network has dropped in silence is noticed by the kernel within a minute, in use or not.
_kept_alive = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3, "tcp_user_timeout": 60_000}
DATABASES = {
    "default": {
        "ENGINE": "tenants.postgresql",
        **_database,
        "OPTIONS": {
            **_kept_alive,
            **_database["OPTIONS"],
            "pool": _pool,
            # Statements are prepared on the server at their fifth use: planning them behind the policies of the tenants
            # anew each time was an eighth of a turn.
            "server_side_binding": True,
            "prepare_threshold": 5,
        },
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": False,  # the backend looks at each connection as it takes it, and asks nothing
    },
}
EMBEDDED_DATABASE = env.database("DATABASE_URL") is None
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.redis_url("REDIS_URL")
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
}
CHANNEL_LAYERS = {
    "default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [REDIS_URL]}}
    if REDIS_URL
    else {"BACKEND": "channels.layers.InMemoryChannelLayer"},
}

## PEOPLE

LOGIN_URL = reverse_lazy("sign-in")
LOGIN_REDIRECT_URL = "/"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
FORMAT_MODULE_PATH = "project.formats"

## THE AGENT


@dataclass(frozen=True, slots=True)
class Models:
    """Which models answer and embed; an empty string means there is none."""

    openai_api_key: str
    openai_base_url: str
    chat_model: str
    strong_model: str
    fallback_base_url: str
    fallback_api_key: str
    fallback_model: str
    embedding_model: str
    prices: dict[str, tuple[Decimal, Decimal]]
    """By the model's name, in US dollars per million tokens: of what it reads, and of what it writes."""


ASKWELL = Models(
    openai_api_key=env.text("OPENAI_API_KEY"),
    openai_base_url=env.http_url("OPENAI_BASE_URL"),
    chat_model=env.text("ASKWELL_CHAT_MODEL", "gpt-4.1-mini"),
    strong_model=env.text("ASKWELL_STRONG_MODEL"),
    fallback_base_url=env.http_url("ASKWELL_FALLBACK_BASE_URL"),
    fallback_api_key=env.text("ASKWELL_FALLBACK_API_KEY"),
    fallback_model=env.text("ASKWELL_FALLBACK_MODEL"),
    embedding_model=env.text("ASKWELL_EMBEDDING_MODEL"),
    prices=env.prices("ASKWELL_PRICES"),
)
# Whether owners of tenants may name language models at addresses inside the network, such as http://127.0.0.1:11434/v1.
ASKWELL_PRIVATE_MODELS = env.flag("ASKWELL_PRIVATE_MODELS", default=EMBEDDED_DATABASE)
ASKWELL_INDEX = env.choice("ASKWELL_INDEX", "faiss", ("faiss", "pgvector"))
# How vectors are searched in memory; "auto" chooses by how many there are, and small tenants are always "flat".
ASKWELL_INDEX_KIND = env.choice("ASKWELL_INDEX_KIND", "auto", ("auto", "flat", "quantised", "cells", "graph"))
# Megabytes of passages that a process may hold; pages of mapped files, which the system takes back, apart.
ASKWELL_INDEX_MEMORY = env.number("ASKWELL_INDEX_MEMORY", 1024, low=16, high=1_000_000)
# A vector engine beside the database, for tenants that `manage.py move_index` has moved there.
ASKWELL_QDRANT_URL = env.http_url("ASKWELL_QDRANT_URL")
ASKWELL_QDRANT_KEY = env.text("ASKWELL_QDRANT_KEY")
ASKWELL_DEMO = env.flag("ASKWELL_DEMO", default=EMBEDDED_DATABASE)

## MAIL

globals().update(env.mail("ASKWELL_SMTP"))  # EMAIL_HOST and its kin
DEFAULT_FROM_EMAIL = env.text("ASKWELL_MAIL_FROM", "askwell@localhost")
EMAIL_TIMEOUT = 10  # seconds

## ADMIN

UNFOLD = unfold_settings()

## OPERATIONS

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"()": "project.logs.MaskingFormatter", "format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.text("ASKWELL_LOG_LEVEL", "WARNING").upper()},
    "loggers": {"django.request": {"level": "ERROR"}, "psycopg.pool": {"level": "ERROR"}},
}
