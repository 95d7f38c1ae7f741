"""Bad values stop the start with a sentence that says what to write."""

from decimal import Decimal

import pytest
from django.core.exceptions import ImproperlyConfigured

from project import env

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("value", "expected"), [("1", True), ("TRUE", True), ("no", False), ("0", False), ("", True), ("  ", True)]
)
def test_flags(monkeypatch, value, expected):
    monkeypatch.setenv("X", value)
    assert env.flag("X", default=True) is expected


@pytest.mark.parametrize(
    ("read", "value", "says"),
    [
        (lambda: env.flag("X", default=False), "maybe", "write 1 for yes or 0 for no"),
        (lambda: env.number("X", 5, low=1, high=9), "10", "from 1 to 9"),
        (lambda: env.number("X", 5, low=1, high=9), "²", "from 1 to 9"),
        (lambda: env.choice("X", "a", ("a", "b")), "c", "one of a, b"),
        (lambda: env.http_url("X"), "api.example.com", "https://api.example.com/v1"),
        (lambda: env.redis_url("X"), "127.0.0.1:6379", "redis://"),
        (lambda: env.database("X"), "mysql://u@h/d", "postgres://user:password@host"),
        (lambda: env.database("X"), "postgres://u@h:port/d", "postgres://user:password@host"),
        (lambda: env.database("X"), "postgres://u@h", "postgres://user:password@host"),
        (lambda: env.folder("X", "."), __file__, "path of a folder"),
        (lambda: env.prices("X"), "gpt-4.1-mini", "model=input/output"),
        (lambda: env.prices("X"), "gpt-4.1-mini=0.40", "model=input/output"),
        (lambda: env.prices("X"), "=0.40/1.60", "model=input/output"),
        (lambda: env.prices("X"), "a=1/2,b=cheap/1", "'b=cheap/1'"),
        (lambda: env.prices("X"), "a=-1/2", "US dollars per million"),
        (lambda: env.prices("X"), "a=1/2/3", "model=input/output"),
        (lambda: env.prices("X"), "a=NaN/Infinity", "model=input/output"),
        (lambda: env.prices("X"), "a=0,40/1,60", "model=input/output"),
        (lambda: env.mail("X"), "http://mail.example.com", "smtp://user:password"),
        (lambda: env.mail("X"), "smtp://", "smtp://user:password"),
        (lambda: env.mail("X"), "smtp://mail.example.com:port", "smtp://user:password"),
    ],
)
def test_bad_values_say_what_to_write(monkeypatch, read, value, says):
    monkeypatch.setenv("X", value)
    with pytest.raises(ImproperlyConfigured, match=says):
        read()


def test_prices(monkeypatch):
    monkeypatch.setenv("X", " gpt-4.1-mini=0.40/1.60 , org/free:7b = 0 / 0,a=b=1/2")
    assert env.prices("X") == {
        "gpt-4.1-mini": (Decimal("0.4"), Decimal("1.6")),
        "org/free:7b": (Decimal(0), Decimal(0)),
        "a=b": (Decimal(1), Decimal(2)),
    }
    monkeypatch.delenv("X")
    assert env.prices("X") == {}


def test_a_database_address_is_taken_apart(monkeypatch):
    monkeypatch.setenv("X", "postgresql://ann:p%40ss@db.example.com:5433/shop?sslmode=require")
    assert env.database("X") == {
        "NAME": "shop",
        "USER": "ann",
        "PASSWORD": "p@ss",
        "HOST": "db.example.com",
        "PORT": "5433",
        "OPTIONS": {"sslmode": "require"},
    }


def test_a_database_on_a_socket(monkeypatch):
    monkeypatch.setenv("X", "postgres:///shop?host=/run/postgresql")
    assert (env.database("X") or {})["HOST"] == "/run/postgresql"


def test_unset_means_default(monkeypatch):
    monkeypatch.delenv("X", raising=False)
    assert env.database("X") is None
    assert env.number("X", 5, low=1, high=9) == 5
    assert env.words("X", ("a",)) == ["a"]


def test_the_secret_comes_from_the_variable_then_the_file_then_chance(monkeypatch, tmp_path):
    kept = tmp_path / "secret-key"
    assert env.secret("X", kept) != env.secret("X", kept)
    kept.write_text("kept\n")
    assert env.secret("X", kept) == "kept"
    monkeypatch.setenv("X", "given")
    assert env.secret("X", kept) == "given"


@pytest.mark.parametrize(
    ("address", "port", "tls", "ssl"),
    [
        ("smtp://mail.example.com", 587, True, False),
        ("smtp://mail.example.com:25", 25, False, False),
        ("smtps://mail.example.com", 465, False, True),
    ],
)
def test_a_mail_servers_address_is_taken_apart(monkeypatch, address, port, tls, ssl):
    monkeypatch.setenv("X", address.replace("//", "//ann:p%40ss@"))
    assert env.mail("X") == {
        "EMAIL_HOST": "mail.example.com",
        "EMAIL_PORT": port,
        "EMAIL_HOST_USER": "ann",
        "EMAIL_HOST_PASSWORD": "p@ss",
        "EMAIL_USE_SSL": ssl,
        "EMAIL_USE_TLS": tls,
    }
