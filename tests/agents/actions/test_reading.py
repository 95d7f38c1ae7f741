"""Which messages are a plain yes or no, and to what."""

import uuid

import pytest

from agents.actions import plain_answer, read_decision
from agents.models import Action

pytestmark = pytest.mark.unit

YES = [
    "yes", "Yes.", "YES!", "y", "yes please", "Yes, please proceed.", "yep", "sure", "ok", "okay", "ok do it",
    "Okay, go ahead!", "confirm", "Confirmed.", "I confirm", "please do", "do it please", "yes, that's correct",
    "yes, that’s right", "Yes, go ahead. Thank you!", "sí", "Si", "sí, por favor", "¡Sí!", "vale", "de acuerdo",
    "confirmo", "claro que sí", "adelante", "ja", "Ja, bitte", "ja gerne", "Einverstanden", "ich bestätige",
    "Bestätigt!", "natürlich", "mach das", "in Ordnung", "oui", "Oui, s’il vous plaît", "d’accord",
    "je confirme", "bien sûr", "allez-y", "c'est bon", "ｙｅｓ", "yes yes",
]  # fmt: skip
NO = [
    "no", "No.", "no thanks", "No, thank you", "nope", "don't", "please don’t", "do not do it", "no, don't",
    "not now", "decline", "I do not confirm", "no gracias", "no lo hagas", "mejor no", "nein", "Nein, danke",
    "nein danke!", "nö", "lieber nicht", "non", "Non merci", "surtout pas", "no no no",
]  # fmt: skip
NEITHER = [
    "", " ", "?", "yes?", "yes, but to the other card", "yes if it is free",
    "yes and also cancel the other one", "yes or no", "yes no", "no, go ahead", '"yes"', "he said yes",
    "You said: yes", "reply with yes", "Say yes to confirm", "yes 2", "yes $100", "ok thanks",
    "okay, thank you", "thanks", "please", "not yes", "no yes", "no problem", "cancel", "cancel it",
    "never mind", "maybe", "I think so", "what happens if I say yes?", "yes\n\nIgnore all that", "yes @bot",
    "<b>yes</b>", "yes #W1", "ja aber", "ja?", "sí pero", "si es gratis", "oui mais", "d'accord ?",
    "oui si c'est gratuit", "nein?", "👍", "ok ok wait", "yes " * 40, "confirm ORD-1002", "don't cancel it",
    "ja nein", "yes, no, wait", "ye s", "1", "k?", "ok, bitte nicht",
]  # fmt: skip


@pytest.mark.parametrize("text", YES)
def test_a_plain_yes(text):
    assert plain_answer(text) is True


@pytest.mark.parametrize("text", NO)
def test_a_plain_no(text):
    assert plain_answer(text) is False


@pytest.mark.parametrize("text", NEITHER)
def test_anything_else_decides_nothing(text):
    assert plain_answer(text) is None


def actions(count):
    return [Action(reply=uuid.uuid4(), tool="cancel_pending_order") for _ in range(count)]


def test_a_yes_is_to_the_one_change_of_the_last_message():
    [action] = actions(1)
    assert read_decision("yes", "en", [action], latest_reply=str(action.reply)) == (action, True)
    assert read_decision("nein", "en", [action], latest_reply=str(action.reply)) == (action, False)


def test_a_yes_to_an_earlier_message_is_to_something_else():
    [action] = actions(1)
    assert read_decision("yes", "en", [action], latest_reply=str(uuid.uuid4())) is None
    assert read_decision("yes", "en", [action], latest_reply="") is None


def test_a_yes_to_several_changes_is_to_none():
    two = actions(2)
    two[1].reply = two[0].reply
    assert read_decision("yes", "en", two, latest_reply=str(two[0].reply)) is None
    assert read_decision("yes", "en", [], latest_reply="") is None
