"""What Redis does, with a real one: hints that wake another process, limits shared by all, and its absence."""

import asyncio
import contextlib
import shutil
import socket
import subprocess
import time
import uuid

import pytest
from channels_redis.pubsub import RedisPubSubChannelLayer

from chat.hints import Hints

PATIENCE = 10  # seconds


@pytest.fixture(scope="module")
def redis_url():
    program = shutil.which("redis-server")
    assert program, "install redis-server, or run `make test`, which says how"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [program, "--port", str(port), "--save", "", "--appendonly", "no"], stdout=subprocess.DEVNULL
    )
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            break
        time.sleep(0.05)
    yield f"redis://127.0.0.1:{port}/0"
    server.terminate()
    server.wait()


@contextlib.asynccontextmanager
async def process(url):
    """The hints of one process, and what it has heard."""
    heard = asyncio.Queue()
    layer = RedisPubSubChannelLayer(hosts=[url])
    hints = Hints(layer)
    listening = asyncio.create_task(hints.listen(heard.put))
    try:
        yield hints, heard
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await layer.flush()


async def told(sender, heard, conversation):
    """Sends until it is heard: joining takes a moment, and nobody says when it is done."""
    async with asyncio.timeout(PATIENCE):
        while heard.empty():
            await sender.send(conversation)
            await asyncio.sleep(0.05)
    return await heard.get()


async def test_another_process_hears_that_there_is_news(redis_url):
    conversation = uuid.uuid4()
    async with process(redis_url) as (one, own), process(redis_url) as (other, heard):
        one.join(conversation)
        other.join(conversation)
        assert await told(one, heard, conversation) == conversation
        assert own.empty(), "nobody hears their own hints"


async def test_who_has_left_hears_nothing(redis_url):
    conversation, still = uuid.uuid4(), uuid.uuid4()
    async with process(redis_url) as (one, _), process(redis_url) as (other, heard):
        other.join(conversation)
        other.join(still)
        await told(one, heard, conversation)
        other.leave(conversation)
        await asyncio.sleep(0.2)
        while not heard.empty():
            heard.get_nowait()
        await one.send(conversation)
        assert await told(one, heard, still) == still


async def test_hints_are_let_go_while_redis_is_away():
    async with process("redis://127.0.0.1:1/0") as (hints, heard):
        hints.join(uuid.uuid4())
        await hints.send(uuid.uuid4())
        assert heard.empty()
