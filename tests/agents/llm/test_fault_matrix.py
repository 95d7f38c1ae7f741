"""Every fault that the scripted server knows, through whole turns over real sockets.

Each turn ends in bounded time with exactly one visible answer, each request leaves one record of what it came to, and
the breaker knows what it should; the database is away meanwhile, which must not matter. `ASKWELL_FAULTS=long` takes the
real limits instead of short ones.
"""

import asyncio
import os
import time
from dataclasses import dataclass

import pytest

from agents import events
from agents.events import Delta, Failed, Reset, Step
from agents.llm import breaker, chain, ledger, openai_compatible
from agents.llm.base import Message, Options, ToolCallDelta, ToolSpec
from agents.llm.breaker import Breaker
from agents.llm.health import THRESHOLD
from agents.llm.metering import Account, Metered
from agents.llm.openai_compatible import OpenAICompatible
from agents.llm.pieces import Calls
from agents.llm.registry import Model
from agents.llm.scripted_server import Call, Profile, Reply
from agents.preparation import Prepared
from agents.runner import run
from agents.services import Services

LONG = os.environ.get("ASKWELL_FAULTS") == "long"
SHORT = {
    openai_compatible: {"CONNECT_LIMIT": 1.0, "FIRST_CONTENT_LIMIT": 3.0, "IDLE_LIMIT": 2.0, "TOTAL_LIMIT": 6.0},
    chain: {"TURN_LIMIT": 9.0, "QUICK": 0.9, "FAIR_TRIAL": 1.0},
}
REFUSED, TLS = "refused", "tls"
warm = []
"""Filled by the first test: the first turn of a process loads much, for which the short limits are too short."""


@dataclass(frozen=True)
class Expected:
    """What becomes of a turn whose preferred model has a fault.

    `by` is who answers, `requests` how many were sent to the faulty one, `failures` what the breaker then counts.
    `again`: one more of each where the fault came together with the first words, so that nothing had been shown.
    """

    by: str = "primary"
    finish: str = "stop"
    requests: int = 1
    failures: int = 0
    again: bool = False


FINE = Expected()
CUT = Expected(finish="truncated", failures=1)
ONCE = Expected(by="other", failures=1)
TWICE = Expected(by="other", requests=2, failures=2)
LIMITED = Expected(by="other", failures=THRESHOLD)
MATRIX = {
    **dict.fromkeys(
        ("normal", "slow", "unmarked", "open", "whole", "split", "halves", "doubled", "absurd-usage"), FINE
    ),
    **dict.fromkeys(("cut", "unfinished", "drip"), CUT),
    **dict.fromkeys(("error", "endless-error", "refuse", "empty", REFUSED), TWICE),
    **dict.fromkeys(("unauthorised", "unknown-model", "html", "huge", "flood", TLS), ONCE),
    **dict.fromkeys(("mute", "silent", "hang", "blank", "stall", "one-token"), ONCE),
    **dict.fromkeys(("broken", "error-event"), Expected(by="other", failures=1, again=True)),
    **dict.fromkeys(("limited", "limited-until"), LIMITED),
    "limited-briefly": Expected(by="other", requests=2, failures=THRESHOLD + 1),
    "endless": Expected(finish="length"),
}


@pytest.fixture(autouse=True)
def limits(monkeypatch):
    async def away(*arguments):
        raise OSError("no database here")

    monkeypatch.setattr(breaker, "in_thread", away)
    monkeypatch.setattr(breaker, "_shared", Breaker())
    for module, values in SHORT.items() if warm and not LONG else ():
        for name, value in values.items():
            monkeypatch.setattr(module, name, value)
    warm.append(True)


@pytest.fixture
def records(monkeypatch):
    """What is noted of each request."""
    noted = []
    monkeypatch.setattr(ledger, "note", noted.append)
    return noted


@pytest.fixture
def server(scripted_server):
    """A model that tells each customer a number of hours of their own."""

    def choose(request):
        asked = str(request["messages"][-1]["content"]).rpartition("X")[2].strip("?\n ")
        number = "".join(filter(str.isdigit, asked.split()[0])) if asked else ""
        return Reply(say=f"It lasts up to {number} hours on one charge 🔋 [1].")

    scripted_server.choose = choose
    return scripted_server


@dataclass
class Turned:
    """A turn that has ended."""

    shown: list
    seconds: float
    records: list

    @property
    def answer(self):
        [end] = [event for event in self.shown if isinstance(event, events.Finished | Failed)]
        assert end is self.shown[-1]
        assert isinstance(end, events.Finished), end
        text = ""
        for event in self.shown:
            text = "" if isinstance(event, Reset) else text + event.text if isinstance(event, Delta) else text
        assert end.answer.text == text
        assert text.strip()
        return end.answer


@pytest.fixture
def ask(server, battery, make_turn, records):
    """Ask about the battery of the X<number>; the preferred model has a fault, others stand behind it."""

    async def turn(fault, number, *, fallback=True):
        async def search(tenant_id, query):
            return battery

        async def prepare(turn):
            return Prepared()

        async def understand(turn):
            return None

        account = Account(tenant_id=1, reply=f"{fault} {number}")
        models = [faulty(server, fault, number)]
        if fallback:
            models.append(Model("fallback", f"well{number}", server.base_url, "k"))
        providers = [Metered(model.provider(), model, account) for model in models]
        services = Services(search=search, prepare=prepare, understand=understand, providers=lambda: providers)
        began = time.monotonic()
        shown = [event async for event in run(make_turn(f"How long does the battery last of the X{number}?"), services)]
        mine = [entry for entry in records if entry.account is account]
        return Turned(shown, time.monotonic() - began, mine)

    return turn


def faulty(server, fault, number):
    address = {REFUSED: "http://127.0.0.1:9/v1", TLS: server.base_url.replace("http:", "https:")}
    name = f"ill{number}" if fault in address else f"ill{number}:{fault}"
    return Model("primary", name, address.get(fault, server.base_url), "k")


def key_of(server, fault, number):
    return faulty(server, fault, number).key


@pytest.mark.parametrize("fault", MATRIX)
async def test_whatever_a_provider_does_there_is_one_answer_in_time(ask, server, fault):
    expected = MATRIX[fault]
    turns = await asyncio.gather(ask(fault, 1), ask(fault, 2, fallback=False))
    for number, turned in enumerate(turns, 1):
        answer = turned.answer
        alone = number == 2
        by = {"primary": f"ill{number}", "other": "extractive" if alone else "well1"}[expected.by]
        assert turned.seconds <= chain.TURN_LIMIT + 1
        assert (answer.model.partition(":")[0], answer.finish) == (by, expected.finish)
        assert answer.degraded == (expected.by == "other")
        assert answer.degraded == any(isinstance(event, Step) and event.kind == "degraded" for event in turned.shown)
        if answer.finish == "stop" and by != "extractive":
            assert answer.text == f"It lasts up to {number} hours on one charge 🔋 [1]."
        asked = [request for request in server.requests if request["model"].startswith(f"ill{number}")]
        more = int(expected.again and len(asked) > expected.requests)
        assert len(asked) == (0 if fault in {REFUSED, TLS} else expected.requests + more)
        assert len(turned.records) == expected.requests + more + (by == "well1")
        assert all(entry.measured.completion_tokens >= 0 for entry in turned.records)
        health = breaker.shared().health(key_of(server, fault, number))
        assert (health.failures, health.is_open) == (expected.failures + more, expected.failures >= THRESHOLD)
    await breaker.shared().settled()


async def test_a_provider_that_stays_away_is_left_alone(ask, server, monkeypatch):
    monkeypatch.setattr(chain, "QUICK", 1.9)
    first, second, third = [await ask("error", 1) for _ in range(3)]
    assert len(server.requests) == 2 + 2 + 1 + 1  # two tries, then one, then none, and the fallback each time
    for turned in (first, second, third):
        assert turned.answer.model == "well1"
        assert turned.answer.degraded
    assert [len(turned.records) for turned in (first, second, third)] == [3, 2, 1]
    await breaker.shared().settled()


async def test_chats_see_nothing_of_each_others_faults(ask):
    faults = [*MATRIX]
    ill = [faults[n % len(faults)] for n in range(0, 2 * len(faults), 2)][:20]
    turns = await asyncio.gather(*(ask(fault, number) for number, fault in enumerate(ill)))
    for number, (fault, turned) in enumerate(zip(ill, turns, strict=True)):
        expected, answer = MATRIX[fault], turned.answer
        assert turned.seconds <= chain.TURN_LIMIT + 1
        assert answer.model.partition(":")[0] == (f"ill{number}" if expected.by == "primary" else f"well{number}")
        if answer.finish == "stop":
            assert answer.text == f"It lasts up to {number} hours on one charge 🔋 [1]."
    await breaker.shared().settled()


async def test_an_open_socket_does_not_stall_the_next_request(server):
    model = OpenAICompatible(name="p", model="m:open", base_url=server.base_url, api_key="k")
    for _ in range(3):
        began = time.monotonic()
        chunks = [chunk async for chunk in model.stream([Message("user", "X1?")], (), Options())]
        assert chunks
        assert time.monotonic() - began < openai_compatible.FIRST_CONTENT_LIMIT


@pytest.mark.parametrize("profile", ["normal", "doubled", "split", "halves", "whole"])
async def test_a_tool_is_called_once_with_what_it_was_given(server, profile):
    server.choose = lambda _: Reply(calls=(Call("find_order", '{"order": "W-11", "note": "für €5"}'),))
    model = OpenAICompatible(name="p", model=f"m:{profile}", base_url=server.base_url, api_key="k")
    calls = Calls(1000)
    async for chunk in model.stream([Message("user", "X1?")], [ToolSpec("find_order", "", {})], Options()):
        if isinstance(chunk, ToolCallDelta):
            calls.add(chunk)
    [request] = calls.requests(0)
    assert (request.name, request.arguments) == ("find_order", '{"order": "W-11", "note": "für €5"}')


async def test_ten_megabytes_in_one_token_cost_bounded_memory(server):
    import tracemalloc

    model = OpenAICompatible(name="p", model="m:huge", base_url=server.base_url, api_key="k")
    server.choose = None
    tracemalloc.start()
    try:
        with pytest.raises(Exception, match="exceeds"):
            async for _ in model.stream([Message("user", "X1?")], (), Options()):
                pass
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 30 << 20


def test_the_matrix_has_every_profile():
    assert MATRIX.keys() == {*map(str, Profile), REFUSED, TLS}
