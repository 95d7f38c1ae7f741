"""A draft beside the prompt in use: who answers what, and that nothing of it is kept."""

import asyncio
import json

import pytest

from agents.events import Answer, Delta, Failed, Finished
from agents.llm.base import LLMError, ToolRequest, Usage
from agents.models import Feature, PromptVersion, ToolCall, ToolKind
from agents.preparation import Prepared
from agents.prompts import VERSION, trial
from agents.prompts.trial import NOT_HERE, Side, TrialServices, Try, compare
from agents.tools.base import Tool, ToolResult

DRAFT = PromptVersion(name="answer", number=4, text="Draft for {tenant}. [unknown]")
PARAMETERS = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}


@pytest.fixture
def answering(monkeypatch):
    """Let every turn be answered by this function of its question and prompts, which yields events."""

    def use(answer):
        async def run(turn, services):
            assert services.feature == Feature.TRIAL
            prompts = (await services.prepare(turn)).prompts
            async for event in answer(turn.question, prompts):
                yield event

        monkeypatch.setattr(trial.runner, "run", run)

    return use


@pytest.fixture
def tries(make_turn):
    return [Try(make_turn(question), Prepared()) for question in ("First?", "Second?")]


async def says_its_prompt(question, prompts):
    yield Delta("…")
    text = f"{question} {prompts.version} {prompts.text('answer')[:5]}"
    yield Finished(Answer(text=text, model="m", usage=Usage(3, 4, estimated=False)))


async def test_each_question_is_answered_with_both_prompts(answering, tries):
    answering(says_its_prompt)
    first, second = await compare(tries, DRAFT)
    assert (first.question, first.current.text, first.draft.text) == (
        "First?",
        f"First? {VERSION} You a",
        f"First? {VERSION}+answer.4 Draft",
    )
    assert second.draft.text == f"Second? {VERSION}+answer.4 Draft"
    side = first.draft
    assert (side.model, side.tokens, side.failed) == ("m", 7, "")
    assert 0 <= side.first_ms <= side.total_ms


async def test_an_answer_that_fails_or_breaks_leaves_the_others(answering, tries, caplog):
    async def answer(question, prompts):
        if prompts.numbers:
            raise ValueError(question)
        if question == "First?":
            yield Failed("Something went wrong.", retryable=True, reason="connect")
        else:
            yield Finished(Answer(text="Fine."))

    answering(answer)
    first, second = await compare(tries, DRAFT)
    assert first.current.failed == "Something went wrong. (connect)"
    assert first.draft == second.draft == Side(failed="It broke: ValueError.")
    assert second.current.text == "Fine."
    assert "A trial of a prompt failed" in caplog.text


async def test_all_of_it_ends_in_time(answering, tries, monkeypatch):
    async def answer(question, prompts):
        yield Delta(question)
        await asyncio.sleep(30)

    answering(answer)
    monkeypatch.setattr(trial, "LIMIT", 0.05)
    compared = await asyncio.wait_for(compare(tries, DRAFT), 5)
    assert {side.failed for pair in compared for side in (pair.current, pair.draft)} == {"No answer within 0 seconds."}


def tool(name, kind=ToolKind.READ, **more):
    def function(context):
        assert context.customer is None
        return ToolResult({"left": 3})

    return Tool(name, "Does it.", kind, PARAMETERS, function, external=True, **more)


@pytest.fixture
def calling(make_turn):
    async def call(*requests, recorded=()):
        turn = make_turn("Why?")
        known = {(row.name, json.dumps(row.arguments, sort_keys=True)): row for row in recorded}
        services = TrialServices(recorded=known)
        tools = (tool("stock"), tool("cancel", ToolKind.CHANGE), tool("prove", tags=frozenset({"proof"})))
        turn = trial.replace(turn, conversation="00000000-0000-0000-0000-000000000000")
        made = [ToolRequest(f"c{n}", name, arguments) for n, (name, arguments) in enumerate(requests)]
        return await services.call_tools(turn, Prepared(tools), made, 0)

    return call


async def test_calls_are_answered_as_they_were_then(calling):
    then = ToolCall(name="cancel", arguments={"order": "#1", "why": "x"}, result='{"status": "waiting"}')
    again, other = await calling(
        ("cancel", '{"why": "x", "order": "#1"}'), ("cancel", '{"order": "#2"}'), recorded=[then]
    )
    assert (again.text, again.error, again.proposed) == (then.result, "", None)
    assert other.error == "trial"
    assert json.loads(other.text)["error"] == NOT_HERE


@pytest.mark.parametrize("name", ["cancel", "prove", "nothing"])
@pytest.mark.parametrize("arguments", ["{}", "{broken", ""])
async def test_what_changes_or_proves_something_is_not_called(calling, name, arguments):
    [outcome] = await calling((name, arguments))
    assert (outcome.error, outcome.proposed) == ("trial", None)


@pytest.mark.django_db(transaction=True)
async def test_what_only_reads_is_called_and_not_kept(calling, tenant, make_turn):
    cancelled, read = await calling(("cancel", "{}"), ("stock", "{}"))
    assert (cancelled.error, json.loads(read.text)) == ("trial", {"left": 3})
    assert read.call is None


async def test_rules_do_not_stand_in_for_models(make_turn):
    with pytest.raises(LLMError, match="models failed"):
        await TrialServices().respond(make_turn("Why?"), Prepared(), None, None)
