"""How long a turn waits for what it wants to know of a question."""

import threading

import pytest

from agents import services
from agents.context import Turn
from agents.routing import fitting, intents

TURN = Turn(tenant_id=1, tenant_name="Acme", language="en", conversation="1", question="Where is it?")


@pytest.fixture
def slow(monkeypatch):
    """Understanding that takes longer than a turn waits, and not longer than the first one in a process."""
    release = threading.Event()
    monkeypatch.setattr(services, "UNDERSTAND_LIMIT", 0.01)
    monkeypatch.setattr(services, "FIRST_LIMIT", 5.0)
    monkeypatch.setattr(intents, "understand", lambda *_, **__: release.wait(0.1) or "understood")
    yield
    release.set()


async def test_a_turn_does_without_intents_that_take_too_long(slow, monkeypatch):
    monkeypatch.setattr(fitting, "kept", {"a": "classifier"})
    assert await services.understand_question(TURN) is None


async def test_a_process_that_has_no_classifier_yet_waits_for_it(slow, monkeypatch):
    monkeypatch.setattr(fitting, "kept", fitting._Kept())
    assert not fitting.is_warm()
    assert await services.understand_question(TURN) == "understood"


def test_a_process_is_warm_once_it_holds_a_classifier(monkeypatch):
    monkeypatch.setattr(fitting, "kept", kept := fitting._Kept())
    kept.put("a", object())
    assert fitting.is_warm()
