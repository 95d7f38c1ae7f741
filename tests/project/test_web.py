"""The server's sockets push back: what a client does not read is not sent, and nobody waits for one that is gone."""

import asyncio

import pytest
from daphne.server import Server

from project import warm_up
from project.web import Flow, PatientServer

pytestmark = pytest.mark.unit


class Connection:
    """A socket's protocol, as far as the server cares."""

    def __init__(self):
        self.transport, self.producers, self.sent = self, [], []

    def unregisterProducer(self):  # noqa: N802 (Twisted's name)
        self.producers.append(None)

    def registerProducer(self, producer, streaming):  # noqa: N802 (Twisted's name)
        assert streaming
        self.producers.append(producer)


@pytest.fixture
def connection():
    return Connection()


@pytest.fixture
def server(monkeypatch):
    async def send(self, protocol, message):
        protocol.sent.append(message)

    monkeypatch.setattr(Server, "handle_reply", send)
    return PatientServer(application=None, endpoints=["tcp:0"])


async def test_a_frame_waits_while_the_client_does_not_read(server, connection):
    frame = {"type": "websocket.send", "text": "one"}
    await server.handle_reply(connection, frame)
    [_, flow] = connection.producers
    flow.pauseProducing()
    waiting = asyncio.ensure_future(server.handle_reply(connection, frame))
    await asyncio.sleep(0.01)
    assert connection.sent == [frame]
    flow.resumeProducing()
    await waiting
    assert connection.sent == [frame, frame]
    assert len(connection.producers) == 2


async def test_nobody_waits_for_a_client_that_is_gone():
    flow = Flow()
    flow.pauseProducing()
    flow.stopProducing()
    await asyncio.wait_for(flow.wait(), 1)


async def test_a_close_waits_for_nothing(server, connection):
    await server.handle_reply(connection, {"type": "websocket.close", "code": 4408})
    assert connection.producers == []
    assert len(connection.sent) == 1


def test_connections_are_accepted_once_it_can_answer(server, monkeypatch):
    order = []
    monkeypatch.setattr(warm_up, "wait", lambda seconds: order.append(f"waited at most {seconds:.0f} s"))
    monkeypatch.setattr(Server, "run", lambda _self: order.append("accepts"))
    server.run()
    assert order == ["waited at most 10 s", "accepts"]


def test_waiting_ends_when_it_is_ready_or_takes_too_long(monkeypatch):
    monkeypatch.setitem(warm_up._state, "now", "loading")
    assert not warm_up.wait(0.05)
    monkeypatch.setitem(warm_up._state, "now", "ready")
    assert warm_up.wait(10)
