import io
import json
import uuid

import pytest
from django.core.management import CommandError, call_command

from chat import hub as hub_module
from chat.models import Message
from tenants.scope import tenant_scope

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
