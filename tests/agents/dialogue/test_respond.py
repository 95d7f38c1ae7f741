"""What holds for every reply of the dialogue: policies, switched-off tools, other customers, markup, state."""

import json
import re

import pytest

from agents.dialogue.addresses import parse_address, written_address
from agents.dialogue.languages import language_of
from agents.dialogue.saying import plain
from agents.dialogue.state import State, Task, read_state
from agents.dialogue.wording import TEXTS
from agents.identity.proofs import LOCKED
from agents.models import Action, ActionState, AgentPolicy, Session, ToolSetting, Verification
from chat.rendering import render_reply
from commerce.models import Customer, Order, Product

PLACEHOLDER = re.compile(r"\{(\w*)\}")


@pytest.mark.parametrize("language", ["es", "de", "fr"])
def test_every_language_says_the_same_with_the_same_values(language):
    assert TEXTS[language].keys() == TEXTS["en"].keys()
    for key, text in TEXTS["en"].items():
        assert set(PLACEHOLDER.findall(TEXTS[language][key])) == set(PLACEHOLDER.findall(text)), key


def test_a_tenant_without_a_shop_asks_the_documents(tenant, scope, fresh_routing):
    from tests.agents.dialogue.conftest import Conversation

    said = Conversation(tenant).say("Where is ORD-2002?")
    assert said.questions == ["Where is ORD-2002?"]
    assert not Session.objects.exists() or not Session.objects.get().dialogue


@pytest.mark.parametrize("policy", [Verification.NONE, Verification.TOKEN])
def test_only_those_who_sign_in_see_orders_where_typing_proves_nothing(talk_as, policy):
    AgentPolicy.objects.create(verification=policy)
    talk = talk_as()
    assert "sign in" in talk.say("Where is ORD-2002?").text
    said = talk.say("ann@mail.example")
    assert "sign in" in said.text
    assert "Atlas" not in said.text
    assert "in transit" in talk_as("ann_1").say("Where is ORD-2002?").text


def test_name_and_postcode_may_need_an_order_as_well(talk_as):
    AgentPolicy.objects.create(verification=Verification.MATCH, order_needed=True)
    talk = talk_as()
    assert "order number" in talk.say("Show me my orders").text
    assert "order number" in talk.say("Ann Lee, 45402").text
    assert "ORD-2001" in talk.say("I am Ann Lee, postcode 45402, my order is ORD-2001. Where is it?").text


def test_a_code_by_mail_proves(talk_as, mailoutbox, django_capture_on_commit_callbacks):
    AgentPolicy.objects.create(verification=Verification.CODE)
    talk = talk_as()
    assert "send a code" in talk.say("Where is ORD-2002?").text
    with django_capture_on_commit_callbacks(execute=True):
        said = talk.say("ann@mail.example")
    assert "code is on its way" in said.text
    assert "Atlas" not in said.text
    [code] = re.findall(r"\b\d{6}\b", mailoutbox[0].body)
    assert "in transit" in talk.say(code).text


def test_too_many_failed_proofs_end_the_attempts(talk_as):
    AgentPolicy.objects.create(attempts=2)
    talk = talk_as()
    talk.say("Where is ORD-2002?")
    said = [talk.say("a@where.example"), talk.say("b@where.example")]
    assert [one.reply.handover for one in said] == [None, None]
    said = talk.say("ann@mail.example")
    assert "cannot try again" in said.text
    assert said.reply.handover == ("policy_restriction", LOCKED)
    assert "Atlas" not in said.text


@pytest.mark.parametrize(
    ("tool", "message"),
    [
        ("get_order_details", "Where is ORD-2002?"),
        ("cancel_pending_order", "Cancel ORD-2006"),
        ("compare_products", "Compare the Nova Phone with the Nova Phone Mini"),
        ("get_product_details", "How heavy is the Atlas Laptop?"),
        ("find_compatible", "What accessories fit the Nova Phone?"),
        ("get_refund_status", "What is the status of refund RFD-1001?"),
    ],
)
def test_a_tool_that_is_switched_off_is_not_used(talk_as, tool, message):
    assert talk_as("ann_1").say(message).reply.grounded
    ToolSetting.objects.create(name=tool, enabled=False)
    said = talk_as("ann_1").say(message)
    assert said.questions
    assert tool not in said.reply.calls
    assert not said.tools


def test_nothing_changes_before_the_customer_agrees(talk_as):
    talk = talk_as("ann_1")
    talk.say("Cancel ORD-2006")
    talk.say("by mistake")
    assert Order.objects.get(code="ORD-2006").status == "pending"
    talk.say("hm, where is ORD-2002?")
    assert Order.objects.get(code="ORD-2006").status == "pending"
    assert Action.objects.get().state == ActionState.PROPOSED


def test_never_mind_takes_a_proposed_change_back(talk_as):
    talk = talk_as("ann_1")
    talk.say("Cancel ORD-2006, I ordered it by mistake")
    talk.say("never mind")
    assert Action.objects.get().state == ActionState.DECLINED
    assert Order.objects.get(code="ORD-2006").status == "pending"


def test_names_from_the_shop_are_text(talk_as):
    said = talk_as("ann_1").say("Tell me about the evil thing")
    html = render_reply(said.text)
    assert "<a" not in html
    assert "<img" not in html
    assert "<em>" not in html
    assert "<strong>" not in html
    assert "[x](http://evil.example)" in html


@pytest.mark.parametrize(
    ("value", "text"),
    [("# big", r"\# big"), ("1. one", r"1\. one"), ("- dash", r"\- dash"), ("1.12 kg", "1.12 kg"), ("a\nb", "a b")],
)
def test_values_cannot_begin_a_block(value, text):
    assert plain(value) == text


def test_the_reply_names_intents_tools_and_records(talk_as):
    said = talk_as("ann_1").say("Where is ORD-2002, and what does the Desk Lamp cost?")
    assert said.reply.intents == ("order_status", "product_info")
    assert set(said.reply.calls) == {"get_order_details", "get_product_details"}
    assert said.reply.grounded
    assert not talk_as("ann_1").say("Do you ship to Canada?").reply.grounded


def test_each_of_two_orders_is_shown_once(talk_as):
    said = talk_as("ann_1").say("status of ORD-2001, ORD-2002 and ORD-2001")
    assert [card.data["code"] for card in said.reply.cards] == ["ORD-2001", "ORD-2002"]


def test_what_is_taken_back_is_told(talk_as):
    talk = talk_as("ann_1")
    [proposed] = talk.say("Cancel ORD-2006, I ordered it by mistake").reply.proposed
    [decided] = talk.say("start over").reply.decided
    assert (decided.action.pk, decided.state) == (proposed.pk, ActionState.DECLINED)
    assert talk.say("never mind").reply.decided == ()


def test_a_conversation_of_one_customer_shows_nothing_of_another(talk_as):
    talk = talk_as("ann_1")
    for message in (
        "Where is ORD-3001?",
        "What is in ORD-3001?",
        "Return ORD-3001",
        "Refund ORD-3001",
        "I want to complain about ORD-3001, it is broken",
        "Change the address of ORD-3001 to 12 Oak St, Springfield, IL 62704",
        "Change the payment of ORD-3001 to PayPal",
        "bob@mail.example where is ORD-3001?",
    ):
        said = talk.say(message)
        shown = said.text + json.dumps([card.data for card in said.reply.cards])
        assert not re.search(r"Bob|Stone|10001|amex|2222", shown), message
        assert not said.tools, message


def test_a_state_that_cannot_be_read_is_begun_anew(talk_as):
    talk = talk_as("ann_1")
    talk.say("Where is ORD-2002?")
    Session.objects.update(dialogue={"task": {"unknown": 1}, "odd": []})
    assert "in transit" in talk.say("Where is ORD-2002?").text
    assert read_state(Session(dialogue=["no", "object"])) == State()


def test_a_state_comes_back_as_it_was(talk_as):
    talk = talk_as("ann_1")
    talk.say("Cancel ORD-2006")
    state = read_state(Session.objects.get(conversation=talk.key))
    assert isinstance(state.task, Task)
    assert (state.task.kind, state.task.asked, state.order) == ("cancel", "reason", "ORD-2006")
    assert [option.value for option in state.options] == ["no longer needed", "ordered by mistake"]


def test_an_order_that_went_away_meanwhile_is_no_error(talk_as):
    talk = talk_as("ann_1")
    talk.say("Cancel ORD-2006")
    Order.objects.get(code="ORD-2006").delete()
    assert talk.say("by mistake").text


@pytest.mark.parametrize(
    "text", ["?", "…", "\N{WAVING HAND SIGN}", "a" * 4000, "ORD-", "0" * 200, "'; DROP TABLE x; --"]
)
def test_odd_messages_are_answered(talk_as, text):
    talk = talk_as("ann_1")
    talk.say("Return ORD-2003")
    assert talk.say(text).reply.parts


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("12 Oak St, Springfield, IL 62704, USA", "12 Oak St, Springfield, IL 62704, USA"),
        ("please send it to 12 Oak St, Apt 4, Springfield, IL 62704", "12 Oak St, Apt 4, Springfield, IL 62704"),
        ("12 Oak St, Springfield IL 62704", "12 Oak St, Springfield, IL 62704"),
        ("Hauptstraße 5, 10115 Berlin, Deutschland", "Hauptstraße 5, Berlin, 10115, Deutschland"),
        ("12 rue de la Paix, 75002 Paris, France", "12 rue de la Paix, Paris, 75002, France"),
        ("Calle Mayor 5, 28013 Madrid, España", "Calle Mayor 5, Madrid, 28013, España"),
        ("10 Downing Street, London SW1A 2AA, UK", "10 Downing Street, London, SW1A 2AA, UK"),
        ("77 Spadina Crescent, Toronto, ON M5V 2T6, Canada", "77 Spadina Crescent, Toronto, ON M5V 2T6, Canada"),
        ("change ORD-2001 to 12 Oak St, Springfield, IL 62704", "12 Oak St, Springfield, IL 62704"),
    ],
)
def test_addresses_are_read(text, written):
    parts = parse_address(text)
    assert parts is not None
    assert written_address(parts) == written


@pytest.mark.parametrize("text", ["", "my new house", "Springfield", "12 Oak St", "tomorrow at 5", "1, 2, 3", ", , ,"])
def test_what_is_no_address_is_not_taken_for_one(text):
    assert parse_address(text) is None


@pytest.mark.parametrize(
    ("text", "default", "language"),
    [
        ("Where is my order?", "de", "en"),
        ("Was kostet das Tab Studio 11?", "en", "de"),
        ("¿Dónde está mi pedido?", "en", "es"),
        ("Où est ma commande ?", "en", "fr"),
        ("ORD-1002", "fr", "fr"),
        ("ok", "es", "es"),
        ("Haben Sie Kühlschränke?", "en", "de"),
        ("Was ist Alexa?", "en", "de"),
        ("¿Venden frigoríficos?", "en", "es"),
        ("Puis-je retourner un ordinateur ouvert ?", "en", "fr"),
        ("no preference", "en", "en"),
        ("Die Hard on DVD?", "en", "en"),
    ],
)
def test_the_language_is_that_of_the_question(text, default, language):
    assert language_of(text, default) == language


@pytest.mark.parametrize(
    ("message", "questions"),
    [
        ("I moved house last month. My son is well. What does shipping cost?", ["What does shipping cost?"]),
        ("My lamp gets hot. What can I do?", ["My lamp gets hot. What can I do?"]),
        ("My battery looks swollen. Is that dangerous?", ["My battery looks swollen. Is that dangerous?"]),
        ("It broke after a day. Can I exchange it?", ["Can I exchange it?"]),
        ("My lamp gets hot. It smells.", ["My lamp gets hot. It smells."]),
        ("Do you deliver to Alaska? My sister lives there.", ["My sister lives there. Do you deliver to Alaska?"]),
    ],
)
def test_what_is_told_goes_with_what_is_asked(talk_as, message, questions):
    assert talk_as().say(message).questions == questions


def test_a_product_that_is_told_of_is_what_the_question_is_about(talk_as):
    said = talk_as().say("I bought the Nova Phone last week. My son loves it. How long is the warranty?")
    assert "Nova Phone" in said.text
    assert said.questions == []


def test_what_is_like_no_wish_is_taken_for_none(talk_as):
    said = talk_as().say("asdf")
    assert said.questions == ["asdf"]
    assert "complain" not in said.text


def test_a_reply_says_its_language(talk_as):
    talk = talk_as()
    assert talk.say("Wo ist meine Bestellung?").reply.language == "de"
    assert talk.say("asdf").reply.language == "de"


def test_a_customer_without_orders_is_told_so(talk_as):
    nobody = Customer.objects.create(code="new_1", first_name="Nia", email="nia@mail.example")
    talk = talk_as(nobody)
    assert "no orders" in talk.say("Where is my order?").text
    assert talk.say("I want to return something").text


def test_products_are_told_as_they_are_now(talk_as):
    Product.objects.filter(code="LM").update(active=False)
    assert "Desk Lamp" not in talk_as().say("Show me lamps").text
