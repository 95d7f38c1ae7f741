"""A database that hangs is noticed beside the requests, and said at once."""

import threading

import pytest
from django.db import OperationalError
from django.http import HttpResponse
from django.test import RequestFactory

from project import pulse
from project.middleware import DatabaseAwayMiddleware


@pytest.fixture
def asking(monkeypatch):
    """As if the pulse had been started, with no thread of its own."""
    started = threading.Event()
    started.set()
    monkeypatch.setattr(pulse, "_started", started)
    monkeypatch.setattr(pulse, "_answered", {"at": pulse.time.monotonic()})


def answer(path="/acme/"):
    return DatabaseAwayMiddleware(lambda _request: HttpResponse("page"))(RequestFactory().get(path))


def test_requests_pass_while_the_database_answers(asking):
    assert answer().content == b"page"


def test_nobody_waits_for_a_database_that_does_not(asking):
    pulse._answered["at"] -= pulse.AWAY_AFTER + 1
    response = answer()
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert b"Nothing is lost" in response.content
    assert answer("/healthz").content == b'{"status": "waiting for the database"}'


@pytest.mark.django_db
def test_an_answer_ends_it(asking):
    pulse._answered["at"] -= pulse.AWAY_AFTER + 1
    pulse.ask()
    assert not pulse.is_away()


def test_no_answer_does_not(asking, monkeypatch):
    def refuse():
        raise OperationalError("no route")

    monkeypatch.setattr(pulse.connection, "cursor", refuse)
    monkeypatch.setattr(pulse.connection, "close", lambda: None)
    pulse._answered["at"] -= pulse.AWAY_AFTER + 1
    pulse.ask()
    assert pulse.is_away()


def test_where_nobody_asks_nothing_is_away():
    assert not pulse.is_away()
