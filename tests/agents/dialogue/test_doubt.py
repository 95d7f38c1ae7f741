"""Two of a kind in one order: which of them is meant is asked, not guessed."""

import json

import pytest

from agents.dialogue.references import doubtful
from commerce.exchange import import_shop
from commerce.models import OrderItem
from tests.agents.dialogue.shop import LAMP, PHONE, SHOP, order

WHITE = ("PH", "PH-WHITE", "Nova Phone", {"colour": "white", "storage": "128 GB"}, 500.00)


def pieces(*codes):
    return [OrderItem(product_code=code[:2], variant_code=code, name="Bluetooth Speaker") for code in codes]


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("I want to return the speaker", True),
        ("The Bluetooth speaker goes back, please", True),
        ("I want to return both speakers", False),
        ("I want to return the speakers", False),
        ("Ich möchte beide Speaker zurückgeben", False),
    ],
)
def test_what_is_in_doubt(text, asked):
    two = pieces("SP-RED", "SP-BLUE")
    assert doubtful(two, text) == (two if asked else [])


def test_the_same_thing_twice_is_in_no_doubt():
    assert doubtful(pieces("SP-RED", "SP-RED"), "I want to return the speaker") == []


@pytest.fixture
def two_phones(shop):
    record = order("ORD-2090", "delivered", [PHONE, WHITE, LAMP])
    import_shop(json.loads(json.dumps({**SHOP, "orders": {"ORD-2090": record}})), actor="test")


@pytest.mark.usefixtures("two_phones")
def test_one_of_two_is_asked_for_and_the_rest_is_kept(talk_as):
    talk = talk_as("ann_1")
    said = talk.say("Return the phone and lamp from ORD-2090")
    assert not said.tools
    assert "Which items" in said.text
    assert not any("Desk Lamp" in button for button in said.buttons)
    said = talk.say("the white one")
    assert "did not understand" not in said.text
    assert "Where should the money go" in said.text
    said = talk.say("Visa")
    assert "$540.00" in said.text
    assert "Desk Lamp" in said.text


@pytest.mark.usefixtures("two_phones")
def test_both_are_taken_where_both_are_meant(talk_as):
    said = talk_as("ann_1").say("I want to return both phones from ORD-2090")
    assert "Which items" not in said.text


@pytest.mark.usefixtures("two_phones")
def test_colour_leaves_no_doubt(talk_as):
    said = talk_as("ann_1").say("I want to return the white phone from ORD-2090")
    assert "Which items" not in said.text


def test_no_change_is_proposed_from_a_long_story(talk_as):
    story = "I bought it for my mother who lives in Dayton, and she was happy with it until her neighbour came by. " * 3
    said = talk_as("ann_1").say(f"{story} Cancel ORD-2006, I no longer need it, unless it has been sent.")
    assert not said.tools
    assert "one short sentence" in said.text
    said = talk_as("ann_1").say("Cancel ORD-2006, I no longer need it")
    assert said.tools == ["cancel_pending_order"]


def test_a_long_complaint_is_taken(talk_as):
    story = (
        "The lamp hums, and it gets so hot that my daughter burnt her hand when she moved it yesterday evening. " * 3
    )
    said = talk_as("ann_1").say(f"I want to file a complaint about ORD-2004. {story}")
    assert "one short sentence" not in said.text
