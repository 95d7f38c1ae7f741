"""Against a real server; what the scripted one cannot do wrong, a raw one does."""

import asyncio
import contextlib
import re

import pytest

from agents.llm import openai_compatible
from agents.llm.base import Finished, LLMError, Message, Options, TextDelta, ToolCallDelta, ToolSpec, Usage
from agents.llm.openai_compatible import OpenAICompatible, close_clients, shared_client
from agents.llm.scripted_server import Profile, Script
from agents.llm.sse import MAX_EVENT_BYTES

QUESTION = [Message("system", "Be brief."), Message("user", "Battery?")]
SAY = "It lasts twelve hours [1]."
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
CONTENT = b'data: {"choices": [{"delta": {"content": "hours"}}]}\n\n'
STOP = b'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\n'
DONE = b"data: [DONE]\n\n"


@pytest.fixture
def short_limits(monkeypatch):
    """Long enough for a busy machine to send something, short enough to wait for."""
    monkeypatch.setattr(openai_compatible, "FIRST_CONTENT_LIMIT", 0.7)
    monkeypatch.setattr(openai_compatible, "IDLE_LIMIT", 0.2)
    monkeypatch.setattr(openai_compatible, "AFTER_FINISH_LIMIT", 0.1)


def provider(server, model="scripted"):
    return OpenAICompatible(name="primary", model=model, base_url=server.base_url, api_key="k")


async def chunks(model, *, tools=(), options=None):
    return [chunk async for chunk in model.stream(QUESTION, tools, options or Options())]


def text_of(received):
    return "".join(chunk.text for chunk in received if isinstance(chunk, TextDelta))


@pytest.fixture
async def raw_server():
    """Start a server that answers every request with the given bytes, pauses included, and return a provider for it."""
    servers, connections = [], []

    async def answer(parts, reader, writer):
        with contextlib.suppress(ConnectionError):
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(re.search(rb"content-length: (\d+)", head.lower())[1]))
            for part in parts:
                if isinstance(part, bytes):
                    writer.write(part)
                    await writer.drain()
                else:
                    await asyncio.sleep(part)

    async def start(*parts):
        def accept(reader, writer):
            connections.append((asyncio.create_task(answer(parts, reader, writer)), writer))
            connections[-1][0].add_done_callback(lambda _: writer.close())

        servers.append(await asyncio.start_server(accept, "127.0.0.1", 0))
        port = servers[-1].sockets[0].getsockname()[1]
        return OpenAICompatible(name="raw", model="m", base_url=f"http://127.0.0.1:{port}/v1", api_key="")

    yield start
    for server in servers:
        server.close()
    for connection, _ in connections:
        connection.cancel()
    await asyncio.gather(*(connection for connection, _ in connections), return_exceptions=True)
    for _, writer in connections:
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    await close_clients()


async def test_streams_text_usage_and_the_end(scripted_server):
    scripted_server.script = Script(otherwise=SAY, token_ms=1)
    received = await chunks(provider(scripted_server))
    assert text_of(received) == SAY
    assert received[-2:] == [Usage(4, 6, estimated=False), Finished("stop")]
    [request] = scripted_server.requests
    assert request["messages"] == [{"role": m.role, "content": m.content} for m in QUESTION]
    assert request["stream_options"] == {"include_usage": True}
    assert request["max_tokens"] == Options().max_tokens


async def test_one_connection_serves_many_answers(scripted_server):
    for _ in range(3):
        await chunks(provider(scripted_server))
    assert len(scripted_server._connections) == 1
    assert shared_client(scripted_server.base_url, "k") is shared_client(scripted_server.base_url, "k")


@pytest.mark.parametrize("profile", [Profile.CUT, Profile.UNFINISHED])
async def test_a_stream_that_just_ends_is_not_finished(scripted_server, profile):
    scripted_server.script = Script(otherwise=SAY, profile=profile)
    received = await chunks(provider(scripted_server))
    assert SAY.startswith(text_of(received))
    assert text_of(received)
    assert not any(isinstance(chunk, Finished) for chunk in received)


@pytest.mark.parametrize(
    ("profile", "kind", "retryable"),
    [
        (Profile.ERROR, "status", True),
        (Profile.REFUSE, "connect", True),
        (Profile.HANG, "first_content", True),
        (Profile.STALL, "idle", True),
    ],
)
async def test_failures_are_llm_errors(scripted_server, short_limits, profile, kind, retryable):
    with pytest.raises(LLMError) as failure:
        await chunks(provider(scripted_server, f"m:{profile}"))
    assert (failure.value.kind, failure.value.retryable) == (kind, retryable)


async def test_nobody_listens():
    with pytest.raises(LLMError) as failure:
        await chunks(OpenAICompatible(name="p", model="m", base_url="http://127.0.0.1:9/v1", api_key="k"))
    assert failure.value.kind == "connect"
    await close_clients()


async def test_a_wrong_address_is_an_llm_error():
    with pytest.raises(LLMError):
        await chunks(OpenAICompatible(name="p", model="m", base_url="http://[broken/v1", api_key="k"))
    await close_clients()


async def test_a_missing_path_is_not_worth_a_retry(scripted_server):
    model = OpenAICompatible(name="p", model="m", base_url=scripted_server.base_url + "/nowhere/v0/x?", api_key="k")
    with pytest.raises(LLMError) as failure:
        await chunks(model)
    assert not failure.value.retryable


async def test_the_total_limit_truncates_what_still_grows(scripted_server, monkeypatch):
    monkeypatch.setattr(openai_compatible, "TOTAL_LIMIT", 0.3)
    scripted_server.script = Script(otherwise="word " * 1000, token_ms=20)
    received = await chunks(provider(scripted_server))
    assert 0 < len(text_of(received)) < 500
    assert not any(isinstance(chunk, Finished) for chunk in received)


async def test_the_turns_deadline_counts(scripted_server):
    scripted_server.script = Script(profile=Profile.HANG)
    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(LLMError):
        await chunks(provider(scripted_server), options=Options(deadline=began + 0.05))
    assert loop.time() - began < 5


async def test_cancelling_closes_the_stream_at_once(scripted_server):
    scripted_server.script = Script(otherwise="word " * 1000, token_ms=10)
    started = asyncio.Event()

    async def read():
        async for _ in provider(scripted_server).stream(QUESTION, (), Options()):
            started.set()

    task = asyncio.create_task(read())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(5):
        while not scripted_server.dropped:
            await asyncio.sleep(0.005)


@pytest.mark.parametrize(
    ("parts", "kind"),
    [
        ([b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 6\r\n\r\n<html>"], "protocol"),
        ([HEAD, b"data: {broken\n\n"], "protocol"),
        ([HEAD, b"data: [1]\n\n"], "protocol"),
        ([HEAD, b'data: {"error": {"message": "overloaded"}}\n\n'], "error_event"),
        ([HEAD, b"data: " + b"x" * (MAX_EVENT_BYTES + 10)], "protocol"),
        ([HEAD, b": ping\n\n", 0.3, b": ping\n\n", 0.3, b": ping\n\n", 5], "first_content"),
        ([HEAD, 5], "first_content"),
        ([5], "first_content"),
    ],
)
async def test_broken_servers_are_llm_errors(raw_server, short_limits, parts, kind):
    with pytest.raises(LLMError) as failure:
        await chunks(await raw_server(*parts))
    assert failure.value.kind == kind


async def test_events_split_inside_a_character(raw_server):
    event = 'data: {"choices": [{"delta": {"content": "für 12 €"}}]}\n\n'.encode()
    cut = event.index("€".encode()) + 1
    model = await raw_server(HEAD, event[:cut], 0.02, event[cut:] + STOP + DONE)
    received = await chunks(model)
    assert text_of(received) == "für 12 €"
    assert received[-1] == Finished("stop")


async def test_a_socket_left_open_after_the_end_costs_nothing(raw_server):
    model = await raw_server(HEAD, CONTENT + STOP + DONE, 5)
    async with asyncio.timeout(4):
        assert (await chunks(model))[-1] == Finished("stop")


async def test_silence_after_the_finish_reason_does_not_lose_it(raw_server, short_limits):
    model = await raw_server(HEAD, CONTENT + STOP, 5)
    async with asyncio.timeout(4):
        assert (await chunks(model))[-1] == Finished("stop")


@pytest.mark.parametrize(
    "usage",
    [
        b'{"prompt_tokens": -5, "completion_tokens": 3}',
        b'{"prompt_tokens": 5, "completion_tokens": -3}',
        b'{"prompt_tokens": "many", "completion_tokens": null}',
        b'{"total_tokens": 8}',
        b'"much"',
    ],
)
async def test_usage_that_cannot_be_is_none(raw_server, usage):
    event = b'data: {"choices": [], "usage": ' + usage + b"}\n\n"
    got = await chunks(await raw_server(HEAD, CONTENT + event + STOP + DONE))
    assert [chunk for chunk in got if isinstance(chunk, Usage)] == [Usage(0, 0, estimated=True)]
    assert isinstance(got[-1], Finished)


async def test_tool_calls_come_in_pieces(raw_server):
    call = b'{"index": 0, "id": "a", "function": {"name": "find", "arguments": "{"}}'
    more = b'{"index": 0, "function": {"arguments": "}"}}'
    events = [b'data: {"choices": [{"delta": {"tool_calls": [%b]}}]}\n\n' % piece for piece in (call, more)]
    tool = ToolSpec("find", "Find it.", {"type": "object"})
    received = await chunks(await raw_server(HEAD, *events, STOP + DONE), tools=[tool])
    assert received[:2] == [ToolCallDelta(0, "a", "find", "{"), ToolCallDelta(0, "", "", "}")]


async def test_reasoning_models_take_other_parameters(scripted_server):
    await chunks(provider(scripted_server, "gpt-5-mini"), tools=[ToolSpec("t", "d", {})])
    [request] = scripted_server.requests
    assert "max_completion_tokens" in request
    assert "temperature" not in request
    assert request["tools"][0]["function"]["name"] == "t"
