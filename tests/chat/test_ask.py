import io
import json
import uuid
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from agents.events import ActionDone, ActionProposed, Answer, CardShown, Delta, Finished
from agents.models import Action
from chat import hub as hub_module
from chat.models import Message
from tenants.scope import in_tenant, tenant_scope

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ask(monkeypatch, script, tenant):
    monkeypatch.setattr(hub_module.Hub.__init__, "__kwdefaults__", {"run": script, "hints": None})

    def run(*arguments):
        out = io.StringIO()
        call_command("ask", "acme", *arguments, stdout=out, stderr=io.StringIO())
        return out.getvalue()

    return run


def test_every_frame_is_a_line_of_json(ask, tenant, verify):
    frames = [json.loads(line) for line in ask("How long?", "--json").splitlines()]
    assert [f["type"] for f in frames][:2] == ["message.accepted", "run.started"]
    assert frames[-1]["type"] == "message.done"
    verify(frames)
    with tenant_scope(tenant.pk):
        assert Message.objects.get(role="assistant").text == frames[-1]["text"]


def test_people_read_the_answer(ask, script):
    said = ask("How long?")
    assert said.startswith(script.text)
    assert "Confidence 0.90" in said


def test_a_conversation_goes_on(ask, script, bob):
    first = json.loads(ask("How long?", "--json", "--as", "bob@example.com").splitlines()[-1])
    ask("And then?", "--as", "bob", "--conversation", first["conversation"])
    assert [m.text for m in script.turns[1].history] == ["How long?", script.text]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["Hi", "--as", "nobody"], "no user"),
        (["Hi", "--conversation", "7"], "no id"),
        (["Hi", "--conversation", str(uuid.uuid4())], "no such conversation"),
        ([" "], "Write a question"),
    ],
)
def test_bad_arguments_are_told(ask, arguments, message):
    with pytest.raises(CommandError, match=message):
        ask(*arguments)


def test_a_tenant_that_does_not_exist_is_told(db):
    with pytest.raises(CommandError, match="no tenant 'nobody'"):
        call_command("ask", "nobody", "Hi")


def test_a_failed_reply_is_an_error_of_the_command(ask, script):
    script.events = [ZeroDivisionError()]
    with pytest.raises(CommandError, match="no answer"):
        ask("Hi")


# Cards and changes

ORDER = {
    "code": "ORD-1002", "status": "in_transit", "status_label": "In transit", "expected": "24 November",
    "total": "$99.00", "items": [{"name": "Case", "detail": "black", "price": "$99.00"}],
    "steps": [{"label": "Ordered", "detail": "17 Nov", "state": "done"}, {"label": "Delivered", "state": "later"}],
}  # fmt: skip
PHONE = {"code": "p", "name": "Phone", "detail": "6 inch", "price": "$5.00", "available": False}
COMPARED = {
    "products": [PHONE, {"code": "q", "name": "Tablet", "price": ""}],
    "rows": [{"name": "Battery", "values": ["9 h", "12 h"], "differs": True, "better": 1}],
}


def test_cards_are_printed_in_lines(ask, script):
    script.events = [
        CardShown("order", ORDER), CardShown("products", {"products": [PHONE]}), CardShown("comparison", COMPARED),
        CardShown("choices", {"options": [{"label": "First", "detail": "$5.00", "text": "The first"}]}),
        CardShown("unknown", {}), Delta("Here."), Finished(Answer("Here.")),
    ]  # fmt: skip
    said = ask("What is there?").splitlines()
    for line in (
        "ORD-1002: In transit, expected 24 November, $99.00", "- Case, black, $99.00", "[x] Ordered, 17 Nov",
        "[ ] Delivered", "- Phone, 6 inch, $5.00, sold out", "- Battery: 9 h | 12 h (better)", "- First, $5.00",
    ):  # fmt: skip
        assert line in said


@pytest.fixture
def proposing(script, tenant):
    """The agent proposes a change and carries out what is decided."""

    async def run(turn):
        script.turns.append(turn)
        if turn.decision:
            yield ActionDone(str(turn.decision.action), ok=True, summary="It is cancelled.", state="done")
            yield Finished(Answer(""))
            return
        conversation, reply = uuid.UUID(turn.conversation), uuid.UUID(turn.reply)
        expires = timezone.now() + timedelta(minutes=15)
        made = await in_tenant(
            tenant.pk,
            lambda: Action.objects.create(
                conversation=conversation, reply=reply, tool="x", summary="Cancel it", expires_at=expires
            ),
        )
        yield ActionProposed(str(made.pk), "Cancel it", {"lines": ["$5.00 goes back"]}, expires.isoformat())
        yield Finished(Answer(""))

    return run


def test_a_proposed_change_is_printed_with_its_id_and_not_confirmed(ask, script, proposing, monkeypatch):
    monkeypatch.setitem(hub_module.Hub.__init__.__kwdefaults__, "run", proposing)
    said = ask("Cancel it")
    assert "Proposed: Cancel it" in said
    assert "- $5.00 goes back" in said
    assert "--confirm" in said
    assert "It is cancelled." not in said
    assert len(script.turns) == 1


def test_a_proposed_change_is_confirmed_when_told_so(ask, script, proposing, monkeypatch, verify):
    monkeypatch.setitem(hub_module.Hub.__init__.__kwdefaults__, "run", proposing)
    assert "done: It is cancelled." in ask("Cancel it", "--confirm")
    frames = [json.loads(line) for line in ask("Cancel it", "--confirm", "--json").splitlines()]
    assert [f["type"] for f in frames].count("message.done") == 2
    assert "action.done" in [f["type"] for f in frames]
    verify(frames)
