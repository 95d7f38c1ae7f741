"""JSON of a given form, from models that keep to it, do not know it, or get it wrong."""

import pytest

from agents.llm.base import LLMError, Message, Options
from agents.llm.openai_compatible import OpenAICompatible, close_clients
from agents.llm.scripted import Scripted, says
from agents.llm.scripted_server import Script
from agents.llm.structured import complete_json
from tests.agents.llm.servers import Server

pytestmark = pytest.mark.unit
SCHEMA = {
    "type": "object",
    "properties": {"score": {"type": "number"}},
    "required": ["score"],
    "additionalProperties": False,
}
ASKED = [Message("system", "You judge."), Message("user", "Is it good?")]


def ask(provider, messages=ASKED, **options):
    return complete_json(provider, messages, SCHEMA, Options(**options))


@pytest.mark.parametrize(
    "answer",
    [
        '{"score": 1}',
        '```json\n{"score": 1}\n```',
        '```\n{"score": 1}```',
        'Here it is: {"score": 1} - I hope that helps.',
        '<think>{"score": maybe}</think>\n{"score": 1}',
    ],
)
async def test_the_object_is_found_in_what_a_model_says(answer):
    provider = Scripted(says(answer))
    assert await ask(provider) == {"score": 1}
    (messages,) = provider.calls
    assert [message.role for message in messages] == ["system", "user"]
    assert messages[0].content.startswith("You judge.")
    assert '"required": ["score"]' in messages[0].content


@pytest.mark.parametrize(
    ("wrong", "told"),
    [("It is good.", "no JSON object"), ('{"score": "high"}', "must be of type number"), ("", "no JSON object"),
     ('{"score": 1, "why": "x"}', "must not have 'why'"), ('{"a":' * 1000 + "1" + "}" * 1000, "nested too deeply")],
)  # fmt: skip
async def test_a_wrong_answer_is_told_what_was_wrong_and_may_be_put_right_once(wrong, told):
    provider = Scripted(says(wrong), says('{"score": 0.5}'))
    assert await ask(provider, max_tokens=1000) == {"score": 0.5}
    repair = provider.calls[1]
    assert [message.role for message in repair] == ["system", "user", "assistant", "user"]
    assert repair[2].content == (wrong or "{}")
    assert told in repair[3].content


async def test_two_wrong_answers_are_a_failure_that_is_not_tried_again():
    provider = Scripted(says("No."), says("Never."), says('{"score": 1}'))
    with pytest.raises(LLMError) as caught:
        await ask(provider)
    assert (caught.value.kind, caught.value.retryable) == ("schema", False)
    assert len(provider.calls) == 2


async def test_an_endless_answer_is_left():
    provider = Scripted(['{"score": 1', *[" " * 100] * 1000])
    with pytest.raises(LLMError, match="more than 200 characters"):
        await ask(provider, max_tokens=10)
    assert provider.closed == len(provider.calls) == 1


async def test_failures_of_the_provider_are_its_own():
    provider = Scripted([LLMError("no", kind="connect", retryable=True)])
    with pytest.raises(LLMError) as caught:
        await ask(provider)
    assert caught.value.kind == "connect"


async def test_without_a_system_message_one_is_put_first():
    provider = Scripted(says('{"score": 1}'))
    await ask(provider, [Message("user", "Is it good?")])
    assert [message.role for message in provider.calls[0]] == ["system", "user"]


async def test_the_schema_goes_to_the_server(scripted_server):
    scripted_server.script = Script.parse('{"otherwise": "{\\"score\\": 0.25}"}')
    model = OpenAICompatible(name="primary", model="m", base_url=scripted_server.base_url, api_key="k")
    assert await ask(model) == {"score": 0.25}
    (request,) = scripted_server.requests
    assert request["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True},
    }


async def test_a_server_that_refuses_schemas_is_asked_in_words():
    server = Server()
    server.refuses = "response_format"
    server.says('{"score": 0.75}')
    try:
        model = OpenAICompatible(name="primary", model="m", base_url=server.base_url, api_key="k")
        assert await ask(model) == {"score": 0.75}
    finally:
        await close_clients()
        server.close()
    first, second = (request for _, _, request in server.asked)
    assert "response_format" in first
    assert "response_format" not in second
    assert "JSON schema" in second["messages"][0]["content"]


async def test_a_server_that_refuses_everything_has_failed():
    server = Server()
    server.answers({"error": {"message": "bad"}}, status=400)
    try:
        with pytest.raises(LLMError) as caught:
            await ask(OpenAICompatible(name="primary", model="m", base_url=server.base_url, api_key="k"))
    finally:
        await close_clients()
        server.close()
    assert caught.value.status == 400
    assert len(server.asked) == 2
