"""A wrong deployment is explained before it serves anybody."""

import pytest
from django.db import OperationalError, connection

from project import checks


@pytest.mark.django_db
def test_a_plain_role_with_the_extension_is_right():
    assert checks.check_role(databases=["default"]) == []


class Pretend:
    """A cursor that answers what another role would be told."""

    def __init__(self, row):
        self.row = row

    def __enter__(self):
        if isinstance(self.row, Exception):
            raise self.row
        return self

    def __exit__(self, *_):
        return None

    def execute(self, _statement):
        return None

    def fetchone(self):
        return self.row


@pytest.mark.parametrize(
    ("row", "ids", "says"),
    [
        ((True, True, True), ["askwell.E002"], "superuser"),
        ((False, True, False), ["askwell.E003"], "CREATE EXTENSION vector"),
        ((False, False, False), ["askwell.E003"], "Install pgvector"),
        (OperationalError("no route"), ["askwell.E001"], "no route"),
    ],
)
def test_what_is_wrong_is_said(monkeypatch, row, ids, says):
    monkeypatch.setattr(connection, "cursor", lambda: Pretend(row))
    found = checks.check_role(databases=["default"])
    assert [error.id for error in found] == ids
    assert says in f"{found[0].msg} {found[0].hint}"


def test_nothing_is_asked_when_no_database_is_checked():
    assert checks.check_role(databases=None) == []


def test_open_host_names_behind_https_are_named(settings):
    settings.HTTPS, settings.ALLOWED_HOSTS, settings.DEBUG = True, ["*"], True
    assert [w.id for w in checks.check_public_settings()] == ["askwell.W001", "askwell.W002"]
    settings.ALLOWED_HOSTS, settings.DEBUG = ["help.example.com"], False
    assert checks.check_public_settings() == []
