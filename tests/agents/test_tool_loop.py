"""Rounds of a model with tools: what it is told, what is shown, and that it ends."""

import json
from dataclasses import replace

import pytest

from agents.events import ActionProposed, CardShown, Delta, Handover, Reset, Step
from agents.llm.base import Finished, LLMError, Message, TextDelta, ToolCallDelta, ToolSpec
from agents.llm.pieces import MAX_CALLS
from agents.llm.scripted import Scripted, says
from agents.models import AgentPolicy, ToolKind
from agents.preparation import Prepared
from agents.reply import Reply
from agents.tool_loop import NO_ROOM, PROMPTS_A_REPLY, RESULTS_A_REPLY, TEXT_A_REPLY, ToolLoop
from agents.tools.base import Card, Tool
from agents.tools.calls import Outcome
from agents.trace import Trace

pytestmark = pytest.mark.unit
AWAY = LLMError("away", kind="connect", retryable=True)
PRODUCTS = Card("products", {"products": []})
PROPOSED = ActionProposed("a-1", "Cancel order #1.", {}, "2026-01-01T00:00:00+00:00")


def calls(*names, text="", arguments="{}"):
    """The script of a round that asks for tools, its arguments in two pieces."""
    half = len(arguments) // 2
    pieces = []
    for index, name in enumerate(names):
        pieces.append(ToolCallDelta(index, f"call-{name}-{index}", name, arguments[:half]))
        pieces.append(ToolCallDelta(index, "", "", arguments[half:]))
    return [*([TextDelta(text)] if text else []), *pieces, Finished("tool_calls")]


class Stage:
    """A reply under way; `asked` keeps the rounds of calls."""

    def __init__(self, turn, models, outcomes, *, rounds=5, acts=False):
        tool = Tool("look", "Looks.", ToolKind.READ, {"type": "object", "properties": {}}, print, external=acts)
        self.prepared = Prepared((tool,), AgentPolicy(tool_rounds=rounds))
        self.reply = Reply(turn, Trace(turn))
        self.outcomes, self.asked = outcomes, []
        self.loop = ToolLoop(turn, self.prepared, self.reply, models, self._call)
        self.messages = []

    async def _call(self, turn, prepared, requests, number):
        self.asked.append([request.name for request in requests])
        made = [Outcome(request, json.dumps({"of": request.name})) for request in requests]
        return [replace(outcome, **self.outcomes.get(outcome.request.name, {})) for outcome in made]

    async def run(self):
        events = [event async for event in self.loop.run(self.messages)]
        return [*events, *self.reply.settle()]


@pytest.fixture
def stage(make_turn):
    def make(*models, outcomes=None, **options):
        return Stage(make_turn("Where is it?"), models, outcomes or {}, **options)

    return make


def text_of(events):
    text = ""
    for event in events:
        text = "" if isinstance(event, Reset) else text + event.text if isinstance(event, Delta) else text
    return text


async def test_the_model_reads_what_its_tools_say(stage):
    model = Scripted(calls("look", "look", arguments='{"order": 1}'), says("It is on its way."))
    on = stage(model)
    assert text_of(await on.run()) == on.reply.text == "It is on its way."
    assert on.asked == [["look", "look"]]
    [call, first, second] = model.calls[1]
    assert [request.arguments for request in call.tool_calls] == ['{"order": 1}', '{"order": 1}']
    assert [first.tool_call_id, second.tool_call_id] == [request.id for request in call.tool_calls]
    assert first.content == '{"of": "look"}'
    assert on.reply.grounded


async def test_text_before_a_call_stays_and_the_next_is_a_paragraph_of_its_own(stage):
    on = stage(Scripted(calls("look", text="Let me see."), says("It is on its way.")))
    events = await on.run()
    assert text_of(events) == on.reply.text == "Let me see.\n\nIt is on its way."
    assert [event for event in events if isinstance(event, Step)]


async def test_cards_proposals_and_handovers_are_shown_once(stage):
    outcomes = {
        "look": {"cards": (PRODUCTS,), "proposed": PROPOSED, "handover": "customer_request", "summary": "Wants"}
    }
    on = stage(Scripted(calls("look"), calls("look"), says("Please confirm.")), outcomes=outcomes)
    events = await on.run()
    assert [event for event in events if isinstance(event, CardShown)] == [CardShown("products", {"products": []})]
    assert [event for event in events if isinstance(event, ActionProposed)] == [PROPOSED]
    assert [event for event in events if isinstance(event, Handover)] == [Handover("customer_request", "Wants")]


async def test_passages_that_a_tool_finds_can_be_cited(stage, battery):
    on = stage(Scripted(calls("look"), says("Up to 12 hours [1].")), outcomes={"look": {"found": battery}})
    await on.run()
    assert on.reply.text == "Up to 12 hours [1]."
    assert on.reply.answer().citations[0].document == "manual"


async def test_a_model_that_never_stops_asking_is_stopped(stage):
    model = Scripted(calls("look"))
    on = stage(model, rounds=3)
    events = await on.run()
    assert len(on.asked) == 3
    assert len(model.calls) == 4
    assert [event.reason for event in events if isinstance(event, Handover)] == ["usage_limit"]
    assert on.reply.text


async def test_a_round_with_too_many_calls_is_cut(stage):
    on = stage(Scripted(calls(*["look"] * 200), says("Done.")))
    await on.run()
    assert len(on.asked[0]) == MAX_CALLS


async def test_the_next_model_goes_on_where_the_first_one_failed(stage):
    first = Scripted(calls("look", text="Let me see."), ["It is", AWAY])
    second = Scripted(says("It has arrived."))
    on = stage(first, second)
    events = await on.run()
    assert text_of(events) == on.reply.text == "Let me see.\n\nIt has arrived."
    assert [message.role for message in second.calls[0]] == ["assistant", "tool"]
    assert on.reply.degraded


async def test_calls_of_a_stream_that_was_cut_are_not_made(stage):
    piece = ToolCallDelta(0, "c", "look", '{"ord')
    on = stage(Scripted([piece, AWAY]), Scripted(says("No.")))
    await on.run()
    assert on.asked == []
    assert on.reply.text == "No."


@pytest.mark.parametrize("broken", [[AWAY], ["It", AWAY], [ToolCallDelta(0, "c", "look", '{"ord')]])
async def test_a_broken_connection_is_tried_again_where_there_is_a_shop(stage, broken, monkeypatch):
    monkeypatch.setattr("agents.tool_loop.RETRY_SECONDS", (0, 0))
    on = stage(Scripted(broken, calls("look"), broken, says("It has arrived.")), acts=True)
    events = await on.run()
    assert on.asked == [["look"]]
    assert text_of(events) == on.reply.text == "It has arrived."


async def test_every_model_failing_is_told(stage):
    with pytest.raises(LLMError):
        await stage(Scripted([AWAY])).run()


def test_a_specification_is_what_a_model_is_told(stage):
    [tool] = stage().prepared.tools
    assert tool.spec == ToolSpec("look", "Looks.", {"type": "object", "properties": {}})


async def test_what_no_tool_would_take_is_not_sent_again(stage):
    model = Scripted(calls("look", arguments=json.dumps({"a": "x" * 300_000})), says("Done."))
    await stage(model).run()
    [call, _] = model.calls[1]
    assert [request.arguments for request in call.tool_calls] == ["{}"]


async def test_results_of_a_reply_are_bounded(stage):
    model = Scripted(calls(*["look"] * 10), says("Done."))
    await stage(model, outcomes={"look": {"text": "x" * 20_000}}).run()
    told = [message.content for message in model.calls[1] if message.role == "tool"]
    assert sum(map(len, told)) < RESULTS_A_REPLY + 10 * 200
    assert NO_ROOM in told[-1]
    assert told[0] == "x" * 20_000


async def test_prompts_of_a_reply_are_bounded(stage):
    on = stage(Scripted(calls("look")), rounds=50)
    on.messages.append(Message("user", "x" * (PROMPTS_A_REPLY // 4)))
    events = await on.run()
    assert len(on.asked) <= 4
    assert [event.reason for event in events if isinstance(event, Handover)] == ["usage_limit"]


async def test_a_model_that_writes_without_end_is_cut_off(stage):
    on = stage(Scripted(["buffalo " * 100] * 1000))
    await on.run()
    assert len(on.reply.text) <= TEXT_A_REPLY
    assert on.reply.finish == "length"


def primary_and_strong(*scripts):
    """Two models, of which the strong one says that it is."""
    return Scripted(*scripts, name="primary"), Scripted(says("Strong."), name="strong", model="s")


@pytest.mark.parametrize("error", ["", "not_found"])
async def test_a_stronger_model_goes_on_where_calls_fail_or_come_again(stage, error):
    primary, strong = primary_and_strong(calls("look"))
    on = stage(primary, strong, outcomes={"look": {"error": error}}, rounds=9)
    assert text_of(await on.run()) == "Strong."
    assert len(primary.calls) == (2 if error else 3)
    assert on.reply.trace.record["routing"] == {"went_up": True}
    assert on.reply.answer().model == "s"
    assert not on.reply.degraded


async def test_a_model_that_gets_on_goes_on(stage):
    rounds = [calls("look", arguments=json.dumps({"n": n // 2})) for n in range(6)]
    primary, strong = primary_and_strong(*rounds, says("Done."))
    on = stage(primary, strong, rounds=9)
    assert text_of(await on.run()) == "Done."
    assert strong.calls == []
    assert "routing" not in on.reply.trace.record


async def test_where_there_is_no_stronger_model_nothing_changes(stage):
    model = Scripted(calls("look"), calls("look"), calls("look"), says("Done."))
    on = stage(model, rounds=9)
    assert text_of(await on.run()) == "Done."
