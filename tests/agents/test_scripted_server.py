import contextlib
import json

import httpx2
import openai
import pytest
from django.core.management import CommandError, call_command

from agents.llm.scripted_server import Counted, Profile, Script, ScriptError


def test_a_script_is_json():
    script = Script.parse(
        b'{"profile": "slow", "token_ms": 5, "otherwise": "Else.",'
        b' "replies": [{"when": "bat+ery", "say": "12 h", "profile": "cut"}]}'
    )
    assert (script.profile, script.token_ms) == (Profile.SLOW, 5.0)
    assert script.reply("The BATTERY?").say == "12 h"
    assert script.reply("The BATTERY?").profile is Profile.CUT
    assert script.reply("Else?").say == "Else."


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"replies": [{"when": "("}]}',
        '{"replies": [{"say": "x"}]}',
        '{"profile": "odd"}',
        '{"token_ms": "x"}',
    ],
)
def test_a_broken_script_is_refused(text):
    with pytest.raises(ScriptError):
        Script.parse(text)


async def test_the_official_client_understands_it(scripted_server):
    scripted_server.script = Script(otherwise="Hello there")
    async with openai.AsyncOpenAI(base_url=scripted_server.base_url, api_key="k", max_retries=0) as client:
        messages = [{"role": "user", "content": "Hi"}]
        whole = await client.chat.completions.create(model="m", messages=messages)
        assert whole.choices[0].message.content == "Hello there"
        stream = await client.chat.completions.create(model="m", messages=messages, stream=True)
        chunks = [chunk async for chunk in stream]
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "Hello there"
        assert chunks[-1].usage.completion_tokens > 0
        assert [model.id async for model in await client.models.list()] == ["scripted"]
        with pytest.raises(openai.InternalServerError):
            await client.chat.completions.create(model="m:error", messages=messages)
        with pytest.raises(openai.NotFoundError):
            await client.embeddings.create(model="m", input="x")
        assert scripted_server.log == [Counted("m", 0, 2, reported=True)] * 2  # and nothing for what it refused


@pytest.mark.parametrize(
    ("profile", "counted"),
    [("normal", Counted("m:normal", 2, 6, reported=True)), ("cut", Counted("m:cut", 2, 1, reported=False)),
     ("unfinished", Counted("m:unfinished", 2, 6, reported=False))],
)  # fmt: skip
async def test_it_counts_what_it_has_sent(scripted_server, profile, counted):
    scripted_server.script = Script(otherwise="One two three four five.")
    async with openai.AsyncOpenAI(base_url=scripted_server.base_url, api_key="k", max_retries=0) as client:
        messages = [{"role": "user", "content": "Hello you"}]
        with contextlib.suppress(openai.APIError, httpx2.HTTPError):
            async for _ in await client.chat.completions.create(model=f"m:{profile}", messages=messages, stream=True):
                pass
    assert scripted_server.log == [counted]


def test_the_command_explains_a_bad_script(tmp_path):
    with pytest.raises(CommandError, match="Cannot use the script"):
        call_command("scripted_model", script=tmp_path / "missing.json")
    (tmp_path / "bad.json").write_text(json.dumps({"profile": "odd"}))
    with pytest.raises(CommandError, match="unknown profile 'odd'; there are: normal, slow"):
        call_command("scripted_model", script=tmp_path / "bad.json")


async def test_the_command_explains_a_port_in_use(scripted_server):
    import asyncio

    with pytest.raises(CommandError, match="Cannot listen on"):
        await asyncio.to_thread(call_command, "scripted_model", port=scripted_server.port)
