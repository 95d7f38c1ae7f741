import pytest

from agents import memory
from agents.context import PastMessage
from agents.llm.base import LLMError
from agents.llm.scripted import Pause, Scripted, says

FIRST = "How long does the X1 battery last?"
ANSWER = "Up to 12 hours. [1]"
FOLLOWUP = "and how long does it take to charge?"
BY_TOPIC = memory.Rewritten("How long does the X1 battery take to charge?", "topic")


async def test_the_first_question_is_left_alone(make_turn):
    assert await memory.standalone_question(make_turn(FOLLOWUP), None) == memory.Rewritten(FOLLOWUP, "unchanged")


async def test_without_a_model_the_topic_is_carried_over(make_turn):
    assert await memory.standalone_question(make_turn(FOLLOWUP, FIRST, ANSWER), None) == BY_TOPIC


async def test_the_summary_remembers_what_the_history_lost(make_turn):
    summary = memory.running_summary("", FIRST, ["X1 user manual"])
    assert await memory.standalone_question(make_turn(FOLLOWUP, summary=summary), None) == BY_TOPIC


async def test_a_model_rewrites_a_dependent_question(make_turn):
    model = Scripted(says('"How long does charging the X1 take?"'))
    rewritten = await memory.standalone_question(make_turn(FOLLOWUP, FIRST, ANSWER), model)
    assert rewritten == memory.Rewritten("How long does charging the X1 take?", "model")
    assert [message.content for message in model.calls[0][1:]] == [FIRST, "Up to 12 hours. ", FOLLOWUP]


async def test_a_model_is_not_asked_about_a_question_that_stands_alone(make_turn):
    model = Scripted(says("never"))
    await memory.standalone_question(make_turn("What is your return policy?", FIRST, ANSWER), model)
    assert model.calls == []


@pytest.mark.parametrize(
    "script",
    [
        [LLMError("away", kind="connect", retryable=True)],
        [Pause(5), *says("too late")],
        says("x" * 500),
        says("Two\nlines"),
        says(""),
    ],
    ids=["fails", "is slow", "is long", "has lines", "says nothing"],
)
async def test_a_model_that_does_not_help_is_ignored(make_turn, monkeypatch, script):
    monkeypatch.setattr(memory, "REWRITE_LIMIT", 0.05)
    model = Scripted(script)
    assert await memory.standalone_question(make_turn(FOLLOWUP, FIRST, ANSWER), model) == BY_TOPIC
    assert model.closed == len(model.calls) >= 1


def test_recent_messages_keep_to_their_budget(make_turn):
    long = "x" * memory.RECENT_TOKENS * memory.CHARACTERS_PER_TOKEN
    turn = make_turn("now?", "first", "one", long[:-6], "last")
    assert [message.text for message in memory.recent_messages(turn)] == [long[:-6], "last"]
    assert memory.recent_messages(make_turn("now?", long, long + "y")) == []


def test_numbers_of_earlier_answers_are_not_shown_to_the_model():
    messages = memory.as_prompt([PastMessage("customer", "a[1]?"), PastMessage("assistant", "b [1][2].")])
    assert [(m.role, m.content) for m in messages] == [("user", "a[1]?"), ("assistant", "b .")]


def test_the_summary_grows_and_forgets():
    summary = ""
    for n in range(100):
        summary = memory.running_summary(summary, f"Question number {n} about | things?", [f"Document {n}"])
    assert len(summary) <= memory.MAX_SUMMARY
    assert "Question number 99" in summary
    assert "Document 99" in summary
    assert "Question number 1 " not in summary


def test_the_summary_survives_a_message_of_a_megabyte():
    summary = memory.running_summary("", "long " * 200_000, ["t" * 10_000])
    assert len(summary) <= memory.MAX_SUMMARY
