"""What a person reads of a conversation before they answer in it."""

import pytest

from agents.models import ToolCall
from agents.summaries import LONGEST_QUOTE, MOST_CALLS, last_question, summarise

pytestmark = pytest.mark.unit


def call(name, error="", **arguments):
    return ToolCall(name=name, error=error, arguments=arguments)


def test_the_last_question_is_none_of_the_words_that_ask_for_a_person():
    assert last_question(["Where is ORD-7?", "Thanks!", "I want to talk to a person"], "en") == "Where is ORD-7?"
    assert last_question(["¿Dónde está mi pedido?", "Quiero hablar con una persona"], "es") == "¿Dónde está mi pedido?"


def test_who_wrote_nothing_else_is_told_by_that():
    assert last_question(["I want to talk to a person"], "en") == "I want to talk to a person"
    assert last_question([], "en") == ""


def test_every_part_is_left_out_that_is_not_known():
    assert summarise(said=[], language="en") == "Customer: has not said who they are"


def test_orders_come_from_words_and_calls_once_each():
    calls = [call("get_order_details", order_id="ORD-7"), call("x", order_id="#W2378156"), call("y", order_id=3)]
    lines = summarise(said=["Where is ord 7 and ORD-7?"], language="en", calls=calls).split("\n")
    assert "Orders: ORD-7, #W2378156" in lines


def test_the_latest_calls_are_named_with_what_went_wrong():
    calls = [call(f"tool{n}") for n in range(MOST_CALLS)] + [call("last", error="timeout")]
    tried = summarise(said=["x"], language="en", calls=calls).split("\n")[-1]
    assert "tool0" not in tried
    assert tried.endswith("last (timeout)")


def test_the_assistants_words_are_left_out_where_they_only_repeat_the_question():
    said = ["Where is ORD-7?"]
    assert "The assistant" not in summarise(said=said, language="en", told="Asked before: Where is ORD-7?")
    assert summarise(said=said, language="en", told="It is lost.").endswith("The assistant: It is lost.")


def test_long_words_are_cut():
    assert summarise(said=["a" * 900], language="en").startswith(f"Wants: {'a' * LONGEST_QUOTE}…")
