"""An owner's model cannot lead inside the network, by whatever name."""

import asyncio
import socket

import pytest

from agents.llm import connections
from agents.llm.base import LLMError, Message, Options, TextDelta
from agents.llm.openai_compatible import OpenAICompatible
from agents.llm.scripted_server import Script
from tests.agents.llm.servers import Server

pytestmark = pytest.mark.unit


async def ask(base_url):
    model = OpenAICompatible(name="primary", model="m", base_url=base_url, api_key="k", public_only=True)
    chunks = [chunk async for chunk in model.stream([Message("user", "Hello")], (), Options())]
    return "".join(chunk.text for chunk in chunks if isinstance(chunk, TextDelta))


def resolves_to(monkeypatch, *addresses):
    async def getaddrinfo(host, port, **options):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "2130706433"])
async def test_nothing_on_this_machine_is_reached(scripted_server, host):
    with pytest.raises(LLMError) as caught:
        await ask(f"http://{host}:{scripted_server.port}/v1")
    assert caught.value.kind == "connect"
    assert not scripted_server.requests


@pytest.mark.parametrize("addresses", [["10.0.0.1"], ["8.8.8.8", "169.254.169.254"], ["::1"], ["fe80::1%eth0"], []])
async def test_a_name_must_not_lead_inside(scripted_server, monkeypatch, addresses):
    resolves_to(monkeypatch, *addresses)
    with pytest.raises(connections.NotPublicError):
        await connections.PublicBackend().connect_tcp("model.example", 443)


async def test_the_address_that_was_checked_is_the_one_that_is_used(scripted_server, monkeypatch):
    scripted_server.script = Script.parse('{"otherwise": "Hello there."}')
    resolves_to(monkeypatch, "127.0.0.1")
    monkeypatch.setattr(connections, "is_public", lambda address: address == "127.0.0.1")
    assert await ask(f"http://model.example:{scripted_server.port}/v1") == "Hello there."


async def test_a_redirect_does_not_lead_inside(scripted_server, monkeypatch):
    resolves_to(monkeypatch, "127.0.0.1")
    hops = iter([True, False])
    monkeypatch.setattr(connections, "is_public", lambda _: next(hops))
    outside = Server()

    outside.answers("", status=307)
    outside.headers = {"Location": f"{scripted_server.base_url}/chat/completions"}
    try:
        with pytest.raises(LLMError):
            await ask(f"http://model.example:{outside.port}/v1")
    finally:
        await asyncio.to_thread(outside.close)
    assert len(outside.asked) == 1
    assert not scripted_server.requests


async def test_a_name_that_nobody_knows(monkeypatch):
    async def getaddrinfo(*args, **options):
        raise socket.gaierror

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    with pytest.raises(LLMError) as caught:
        await ask("http://no.example/v1")
    assert caught.value.kind == "connect"
