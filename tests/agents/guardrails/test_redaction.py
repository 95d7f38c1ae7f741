"""A provider that is not told who the customer is, and an answer that is none the poorer for it."""

from __future__ import annotations

import json
import uuid
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.guardrails.placeholders import BEGUN, PLACEHOLDER, Placeholders, Restoring
from agents.guardrails.redaction import Own, Redacting, _bound
from agents.llm.base import Finished, Message, Options, TextDelta, ToolCallDelta, ToolRequest, Usage
from agents.llm.pieces import Calls
from agents.models import Session
from commerce.exchange import import_shop
from commerce.models import Customer
from tests.commerce.little_shop import little_shop

ANN = {
    "first_name": "Ann", "last_name": "Archer", "email": "ann.archer@mail.example", "address1": "12 Rose Lane",
    "address2": "", "zip": "19122",
}  # fmt: skip
PIECES = [
    "<", ">", "EMAIL", "_1", "_", "1", "2", "<EMAIL_1>", "<email_2>", "<PHONE_1>", "NAME_1", " ", "a", "E", "&lt;",
    "&gt;",     "&", "\\", "\\u003c", "I", "ID_", "c", "card", "ADDRESS_12345", "<EMAIL_9>", "é", ".",
]  # fmt: skip


class Model:
    """Keeps what it is sent and streams what it is given."""

    name, model, key = "primary", "m", "k"

    def __init__(self, *chunks):
        self.chunks, self.sent = chunks, []

    async def stream(self, messages, tools, options):
        self.sent = list(messages)
        for chunk in self.chunks:
            yield chunk


def own(record=None):
    mine = Own(tenant_id=1)
    mine.know(record)
    return mine


async def asked(model, *messages, mine=None):
    provider = Redacting(model, mine or own())
    return [chunk async for chunk in provider.stream(messages, (), Options())]


async def test_nothing_of_the_customer_is_sent():
    model = Model(Finished("stop"))
    await asked(
        model,
        Message("system", "Help customers of Acme. Our phone is 0171 1234567."),
        Message("user", "I am ann  archer, ANN.Archer@mail.example, call 0171 7654321, 12 rose lane, 19122"),
        Message("assistant", "", tool_calls=(ToolRequest("1", "find", '{"email": "ann.archer@mail.example"}'),)),
        Message("tool", json.dumps({"name": {"first": "Ann", "last": "Archer"}, "zip": "19122"}), tool_call_id="1"),
        mine=own(ANN),
    )
    system, user, call, tool = model.sent
    assert "0171 1234567" in system.content
    assert user.content == "I am <NAME_1>, <EMAIL_1>, call <PHONE_1>, <ADDRESS_1>, <POSTCODE_1>"
    assert call.tool_calls[0].arguments == '{"email": "<EMAIL_1>"}'
    assert json.loads(tool.content) == {"name": {"first": "<NAME_2>", "last": "<NAME_3>"}, "zip": "<POSTCODE_1>"}
    assert tool.tool_call_id == "1"


async def test_what_stands_in_the_documents_is_sent():
    model = Model(Finished("stop"))
    passage = '<passage number="1" from="Contact">\nWrite to help@shop.example, ask for Ann.\n</passage>'
    await asked(
        model, Message("user", f"{passage}\nIs help@shop.example right? I am Ann, ann@x.example"), mine=own(ANN)
    )
    assert model.sent[0].content == f"{passage}\nIs help@shop.example right? I am <NAME_1>, <EMAIL_1>"


async def test_values_come_back_in_text_and_calls():
    mine = own(ANN)
    question = Message("user", 'ann.archer@mail.example and Ann Archer, "o\'neil@x.example"')
    model = Model(
        TextDelta("Your mail is <EM"), TextDelta("AIL_1"), TextDelta(">, <name_1>; &lt;EMAIL_2&gt; EMAIL_1 <CARD_7>"),
        ToolCallDelta(0, "c1", "find", '{"email": "<EMA'),
        ToolCallDelta(0, "", "", 'IL_1>", "q": "\\u003cNAME_1\\u003e'),
        ToolCallDelta(0, "", "", '"}'), ToolCallDelta(1, "c2", "find", '{"name": "NAME_1'),
        Usage(3, 4), Finished("tool_calls"),
    )  # fmt: skip
    chunks = await asked(model, question, mine=mine)
    text = "".join(chunk.text for chunk in chunks if isinstance(chunk, TextDelta))
    assert text == "Your mail is ann.archer@mail.example, Ann Archer; o'neil@x.example ann.archer@mail.example card"
    calls = Calls(1000)
    for chunk in chunks:
        if isinstance(chunk, ToolCallDelta):
            calls.add(chunk)
    first, second = calls.requests(0)
    assert json.loads(first.arguments) == {"email": "ann.archer@mail.example", "q": "Ann Archer"}
    assert (first.id, first.name) == ("c1", "find")
    assert second.arguments == '{"name": "Ann Archer'
    assert chunks[-2:] == [Usage(3, 4), Finished("tool_calls")]


async def test_names_are_the_same_for_all_providers_of_a_turn():
    mine, first, second = own(ANN), Model(Finished("stop")), Model(Finished("stop"))
    await asked(first, Message("user", "a@x.example b@x.example"), mine=mine)
    await asked(second, Message("user", "b@x.example A@X.example c@x.example"), mine=mine)
    assert second.sent[0].content == "<EMAIL_2> <EMAIL_1> <EMAIL_3>"


async def test_values_in_json_stay_json():
    mine = own({**ANN, "last_name": 'O"Neil \\ Co'})
    model = Model(ToolCallDelta(0, "1", "f", '{"x": "<NAME_1>"}'), Finished("tool_calls"))
    chunks = await asked(model, Message("user", 'I am Ann O"Neil \\ Co'), mine=mine)
    assert json.loads(chunks[0].arguments) == {"x": 'Ann O"Neil \\ Co'}


def test_a_provider_keeps_its_name():
    provider = Redacting(Model(), own())
    assert (provider.name, provider.model, provider.key) == ("primary", "m", "k")


@pytest.mark.django_db
def test_the_customer_of_a_bound_conversation_is_known(scope):
    import_shop(little_shop(), actor="test")
    ann = Customer.objects.get(code="ann_1")
    conversation = uuid.uuid4()
    assert _bound(str(conversation)) is None
    Session.objects.create(conversation=conversation, customer=ann, proof="email")
    record = _bound(str(conversation))
    assert record["email"] == ann.email
    assert record["zip"] == ann.zip
    assert own(record).hide(f"I am {ann.first_name} {ann.last_name}", "") == "I am <NAME_1>"


async def test_a_conversation_without_a_record_is_nobodys():
    mine = Own(tenant_id=1)
    await mine.learn()
    assert mine.hide("I am Ann", "") == "I am Ann"


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=15).map("".join), st.lists(st.integers(0, 80), max_size=10))
def test_comes_back_the_same_however_cut(text, places):
    names = Placeholders()
    for kind, value in (("EMAIL", "a@x.example"), ("EMAIL", "b@x.example"), ("NAME", "Ann"), ("PHONE", "0171 1234567")):
        names.name(kind, value, value)
    edges = sorted({0, len(text), *(place for place in places if place < len(text))})
    whole = PLACEHOLDER.sub(names.value, text)
    for pieces in ([text[a:b] for a, b in pairwise(edges)], list(text), [text]):
        restoring = Restoring(names.value)
        assert "".join(restoring.feed(piece) for piece in pieces) + restoring.finish() == whole


@pytest.mark.parametrize("whole", ["<EMAIL_12>", "&lt;PHONE_1&gt;", "\\<CARD_3\\>", "\\u003cNAME_4\\u003e", "IBAN_2"])
def test_every_beginning_is_waited_for(whole):
    for end in range(1, len(whole)):
        assert BEGUN.match(whole[:end]), whole[:end]
