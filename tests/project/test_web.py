"""The server's sockets push back: what a client does not read is not sent, and nobody waits for one that is gone."""

import asyncio
import gc

import pytest
from daphne.server import Server
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from project import warm_up
from project.web import Flow, PatientServer, text_frame, write_now

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


def test_what_is_loaded_at_the_start_is_spared_by_the_garbage_collector():
    try:
        warm_up._spare_the_collector()
        assert gc.get_freeze_count() > 10_000
    finally:
        gc.unfreeze()


class Socket:
    """A Twisted transport whose socket takes a few bytes, and what Twisted still has to write."""

    def __init__(self, takes, waiting=b"", given=()):
        self.takes, self.dataBuffer, self._tempDataBuffer = takes, waiting, list(given)
        self.gone, self.kept = b"", b""

    def writeSomeData(self, data):  # noqa: N802 (Twisted's name)
        if isinstance(self.takes, Exception):
            return self.takes
        self.gone += data[: self.takes]
        return min(self.takes, len(data))

    def write(self, data):
        self.kept += data


@pytest.mark.parametrize(
    ("socket", "gone", "kept"),
    [
        (Socket(takes=100), b"frame", b""),
        (Socket(takes=2), b"fr", b"ame"),
        (Socket(takes=0), b"", b"frame"),
        (Socket(takes=100, waiting=b"rest of another"), b"", b"frame"),
        (Socket(takes=100, given=[b"a ping"]), b"", b"frame"),
        (Socket(takes=ConnectionError()), b"", b"frame"),
    ],
)
def test_a_frame_goes_out_at_once_but_never_into_another(socket, gone, kept):
    write_now(socket, b"frame")
    assert (socket.gone, socket.kept) == (gone, kept)


@pytest.mark.parametrize("size", [1, 125, 126, 65_535, 65_536])
def test_texts_of_all_lengths_are_whole_frames(size):
    text = "x" * (size - 1) + "y"
    reader = StreamReader()
    reader.feed_data(text_frame(text))
    reader.feed_eof()
    parsing = Frame.parse(reader.read_exact, mask=False)
    with pytest.raises(StopIteration) as parsed:
        next(parsing)
    frame = parsed.value.value
    assert (frame.opcode, frame.fin, frame.rsv1) == (Opcode.TEXT, True, False)
    assert bytes(frame.data).decode() == text
