"""A scripted agent, a hub of a process's own, and customers on sockets of it."""

import asyncio
import contextlib
import itertools
import json
import threading
import uuid
from typing import ClassVar

import orjson
import pytest
from channels.routing import URLRouter
from django.contrib.auth.models import AnonymousUser
from django.urls import path

from agents.events import Answer, Delta, Finished
from chat.consumers import ChatConsumer
from chat.hub import Hub
from chat.upkeep import Upkeep
from tenants.scope import THREADS, in_thread

PATIENCE = 5  # seconds that a test waits for a frame


class Script:
    """An agent that says what a test wants, in pieces; `gate` holds it before the piece with that number."""

    def __init__(self):
        self.events = None
        self.text = "Up to 12 hours. That is enough."
        self.turns, self.gates, self.reached = [], {}, asyncio.Event()

    def gate(self, piece):
        self.gates[piece] = asyncio.Event()
        return self.gates[piece]

    async def __call__(self, turn):
        self.turns.append(turn)
        pieces = self.events or [
            *(Delta(word + " ") for word in self.text.split()[:-1]),
            Delta(self.text.split()[-1]),
            Finished(Answer(self.text, summary="so far", confidence=0.9, intents=("battery",), model="script")),
        ]
        for number, event in enumerate(pieces):
            if number in self.gates:
                self.reached.set()
                await self.gates[number].wait()
            if isinstance(event, BaseException):
                raise event
            yield event
            await asyncio.sleep(0)


class Line:
    """An ASGI server's side of one WebSocket. That of channels.testing leaves database connections open in threads."""

    open: ClassVar[list] = []

    def __init__(self, application, scope):
        self.inbound, self.outbound, self.reads = asyncio.Queue(), asyncio.Queue(), asyncio.Event()
        self.inbound.put_nowait({"type": "websocket.connect"})
        self.reads.set()
        self.task = asyncio.ensure_future(application(scope, self.inbound.get, self.send))
        self.open.append(self)

    async def send(self, event):
        if event["type"] == "websocket.send":
            await self.reads.wait()
        await self.outbound.put(event)

    async def receive(self):
        async with asyncio.timeout(PATIENCE):
            while self.outbound.empty():
                if self.task.done():
                    self.task.result()
                    raise AssertionError("the application ended without a word")
                await asyncio.sleep(0.001)
        return self.outbound.get_nowait()

    async def close(self):
        self.inbound.put_nowait({"type": "websocket.disconnect", "code": 1006})
        async with asyncio.timeout(PATIENCE):
            await self.task


class Customer:
    """One visitor on one socket at a time; `frames` are all it ever got."""

    numbers = itertools.count(1)

    def __init__(self, hub, slug="acme", *, visitor=None, user=None, protocols=("askwell.v1",), headers=(), html=False):
        self.hub, self.slug, self.user, self.protocols = hub, slug, user, list(protocols)
        self.visitor, self.headers, self.html = visitor, list(headers), html
        self.frames, self.conversation, self.line, self.closed = [], None, None, None

    async def connect(self, hub=None):
        self.hub = hub or self.hub
        app = URLRouter([path("ws/<slug:slug>/chat/", ChatConsumer.as_asgi(self.hub))])
        protocols = [*self.protocols, *([f"askwell.visitor.{self.visitor}"] if self.visitor else [])]
        scope = {
            "type": "websocket",
            "path": f"/ws/{self.slug}/chat/",
            "query_string": b"html=1" if self.html else b"",
            "headers": self.headers,
            "subprotocols": protocols,
            "client": ("127.0.0.1", 5000),
            "user": self.user or AnonymousUser(),
        }
        self.line = Line(app, scope)
        self.accepted = await self.line.receive()
        first = await self.next()
        if first["type"] == "session.ready":
            self.visitor = first["visitor"]
        return first

    async def cut(self):
        await self.line.close()

    async def send(self, **frame):
        await self.send_text(json.dumps(frame))

    async def send_text(self, text):
        await self.line.inbound.put({"type": "websocket.receive", "text": text})

    async def next(self):
        event = await self.line.receive()
        if event["type"] == "websocket.close":
            self.closed = event["code"]
            frame = {"type": "socket.closed", "code": event["code"]}
        else:
            frame = orjson.loads(event["text"])
        self.frames.append(frame)
        self.conversation = self.conversation or frame.get("conversation")
        return frame

    async def until(self, *kinds):
        got = []
        async with asyncio.timeout(PATIENCE):
            while not got or got[-1]["type"] not in kinds:
                got.append(await self.next())
        return got

    async def ask(self, text="How long?", client_id=None, conversation=None):
        client_id = client_id or f"c{next(self.numbers)}"
        await self.send(
            type="message.send", client_id=client_id, conversation=conversation or self.conversation, text=text
        )
        return client_id

    async def say(self, text="How long?", **more):
        await self.ask(text, **more)
        return await self.until("message.done", "message.failed", "error")

    async def resume(self, after, conversation=None):
        await self.send(type="conversation.resume", conversation=conversation or self.conversation, after=after)

    async def silent(self, seconds=0.05):
        await asyncio.sleep(seconds)
        return self.line.outbound.empty()

    @property
    def last(self):
        return max((f["seq"] for f in self.frames if "seq" in f), default=0)

    @property
    def numbered(self):
        return [f for f in self.frames if "seq" in f]


def check(frames):
    """What the protocol promises of the frames that one client gets."""
    last, streamed, ended, accepted = {}, {}, [], []
    for frame in frames:
        kind, message = frame["type"], frame.get("message")
        if "seq" in frame:
            before = last.get(frame["conversation"])
            assert before is None or frame["seq"] == before + 1, f"{before} -> {frame}"
            last[frame["conversation"]] = frame["seq"]
        if kind == "message.delta":
            assert message not in ended, "a delta after the end"
            streamed[message] = streamed.get(message, "") + frame["text"]
        elif kind == "message.reset":
            streamed[message] = ""
        elif kind == "message.accepted":
            accepted.append(frame["client_id"])
        elif kind in ("message.done", "message.failed"):
            ended.append(message)
            if kind == "message.done":
                assert streamed.get(message, "") == frame["text"]
    assert len(set(ended)) == len(ended)
    assert len(set(accepted)) == len(accepted)


@pytest.fixture
def script():
    return Script()


@pytest.fixture
def processes(script):
    """Starts a process: a hub with its loops. Those still alive at the end are closed."""
    alive = []

    async def start(run=script, **options):
        upkeep = Upkeep(Hub(run=run, **options))
        await upkeep.start()
        alive.append(upkeep)
        return upkeep

    start.alive = alive
    return start


@pytest.fixture
async def hub(processes, tenant):
    upkeep = await processes()
    yield upkeep.hub
    for line in Line.open:
        line.task.cancel()
    await asyncio.gather(*(line.task for line in Line.open), return_exceptions=True)
    Line.open.clear()
    for one in processes.alive:
        with contextlib.suppress(asyncio.CancelledError):
            await one.close()
    await crossings_ended()


async def crossings_ended():
    """Waits for what was given up half-way: it goes on in its thread, and would lock tables that are to be emptied."""
    everyone = threading.Barrier(THREADS)
    await asyncio.gather(*(in_thread(everyone.wait, 30) for _ in range(THREADS)))


@pytest.fixture
async def customer(hub):
    someone = Customer(hub)
    await someone.connect()
    return someone


@pytest.fixture
def new_customer(hub):
    async def make(*args, **kwargs):
        someone = Customer(*(args or (hub,)), **kwargs)
        someone.first = await someone.connect()
        return someone

    return make


@pytest.fixture
def verify():
    return check


@pytest.fixture
def random_id():
    return lambda: str(uuid.uuid4())
