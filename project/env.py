"""Typed readers of the environment; a bad value stops the start with a sentence that says what to write."""

import os
import secrets
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

SMTP_PORTS, PLAIN_SMTP = {"smtp": 587, "smtps": 465}, 25
MAX_PRICE = 100_000  # US dollars per million tokens
TRUE, FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}


def text(name: str, default: str = "") -> str:
    """The variable without surrounding space; `default` when it is unset or blank."""
    return os.environ.get(name, "").strip() or default


def flag(name: str, *, default: bool) -> bool:
    """A yes-or-no variable."""
    value = text(name).lower()
    if not value:
        return default
    if value in TRUE:
        return True
    if value in FALSE:
        return False
    raise ImproperlyConfigured(f"{name} is {value!r}: write 1 for yes or 0 for no.")


def number(name: str, default: int, *, low: int, high: int) -> int:
    """A whole number from `low` to `high`."""
    value = text(name)
    if not value:
        return default
    if not value.isascii() or not value.isdigit() or not low <= int(value) <= high:
        raise ImproperlyConfigured(f"{name} is {value!r}: write a whole number from {low} to {high}.")
    return int(value)


def words(name: str, default: tuple[str, ...] = ()) -> list[str]:
    """A list separated by commas."""
    return [part.strip() for part in text(name).split(",") if part.strip()] or list(default)


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    """One of the allowed words."""
    value = text(name, default)
    if value not in allowed:
        raise ImproperlyConfigured(f"{name} is {value!r}: write one of {', '.join(allowed)}.")
    return value


def http_url(name: str, default: str = "") -> str:
    """An http or https address without a trailing slash."""
    value = text(name, default)
    if value and (urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).hostname):
        raise ImproperlyConfigured(f"{name} is {value!r}: write an address such as https://api.example.com/v1.")
    return value.rstrip("/")


def redis_url(name: str) -> str:
    """A Redis address, or nothing."""
    value = text(name)
    if value and urlsplit(value).scheme not in ("redis", "rediss", "unix"):
        raise ImproperlyConfigured(f"{name} is {value!r}: write an address such as redis://127.0.0.1:6379/0.")
    return value


def prices(name: str) -> dict[str, tuple[Decimal, Decimal]]:
    """What models cost: `model=input/output` separated by commas, in US dollars per million tokens."""
    found = {}
    for part in words(name):
        model, _, pair = part.rpartition("=")  # the names of models may hold anything but a comma
        reading, slash, writing = pair.partition("/")
        try:
            found[model.strip()] = _price(reading), _price(writing)
        except (InvalidOperation, ValueError):
            slash = ""
        if not model.strip() or not slash:
            raise ImproperlyConfigured(
                f"{name} has {part!r}: write model=input/output in US dollars per million tokens, separated by commas, "
                "such as gpt-4.1-mini=0.40/1.60."
            )
    return found


def _price(written: str) -> Decimal:
    price = Decimal(written.strip())
    if not price.is_finite() or not 0 <= price <= MAX_PRICE:
        raise ValueError(written)
    return price


def folder(name: str, default: str) -> Path:
    """An absolute path of a folder that may not exist yet."""
    path = Path(text(name, default)).expanduser().absolute()
    if path.exists() and not path.is_dir():
        raise ImproperlyConfigured(f"{name} is {str(path)!r}, which is a file: write the path of a folder.")
    return path


def secret(name: str, kept_in: Path) -> str:
    """A secret: from the variable, or the file that `serve` keeps, or else good for this process only."""
    value = text(name)
    if not value and kept_in.is_file():
        value = kept_in.read_text().strip()
    return value or secrets.token_urlsafe(48)


def mail(name: str) -> dict[str, Any]:
    """Django's settings of the mail server at an smtp:// (STARTTLS, but on port 25) or smtps:// (TLS at once) address.

    Without one, mail goes to port 25 of this machine.
    """
    value = text(name)
    if not value:
        return {"EMAIL_HOST": "localhost", "EMAIL_PORT": 25}
    hint = f"{name} must look like smtp://user:password@mail.example.com:587."
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError as error:
        raise ImproperlyConfigured(f"{hint} ({error})") from error
    if parts.scheme not in SMTP_PORTS or not parts.hostname:
        raise ImproperlyConfigured(hint)
    port = port or SMTP_PORTS[parts.scheme]
    return {
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": port,
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_USE_TLS": parts.scheme == "smtp" and port != PLAIN_SMTP,
    }


def database(name: str) -> dict[str, Any] | None:
    """Django's connection settings from a postgres:// address; None when the variable is unset.

    Query parameters (sslmode=require and the like) are handed to psycopg; `host=/path` names a socket folder.
    """
    value = text(name)
    if not value:
        return None
    hint = f"{name} must look like postgres://user:password@host:5432/database."
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError as error:
        raise ImproperlyConfigured(f"{hint} ({error})") from error
    if parts.scheme not in ("postgres", "postgresql") or not parts.path.strip("/"):
        raise ImproperlyConfigured(hint)
    options = dict(parse_qsl(parts.query))
    return {
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", parts.hostname or ""),
        "PORT": str(port or ""),
        "OPTIONS": options,
    }
