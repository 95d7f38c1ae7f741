"""What a hostile or broken client may send over a real socket: it is told, and nobody else notices."""

import asyncio
import contextlib
import json
import socket
import time
import uuid

import pytest
import websockets

from tests.faults.customer import BROKEN, Customer, connected, problems
from tests.faults.stage import ANSWER, QUESTION, tell

MEBIBYTE = 2**20
DEAF = 8  # sockets that never read
LOG_BYTES, FRAME_BYTES = 10_000_000, 550  # that each of them asks for: no more frames than are sent again
MEMORY_MARGIN = 40 * MEBIBYTE  # that the web server may grow by meanwhile: half of what they asked for
SOMEBODY = str(uuid.uuid4())

MALFORMED = [
    "", " ", "{", "nonsense", '"text"', "[]", "null", "1", "[" * 5000, '{"type":' * 3000, '{"type": NaN}',
    '{"type": "ping"} {"type": "ping"}', "\ud83d".encode("utf-8", "surrogatepass").decode("utf-8", "replace"),
]  # fmt: skip
UNKNOWN = [
    {}, {"type": None}, {"type": 1}, {"type": ["ping"]}, {"type": {"a": 1}}, {"type": ""}, {"type": "PING"},
    {"type": "message.done", "message": SOMEBODY}, {"type": "__init__"}, {"type": "ping\u0000"},
]  # fmt: skip
WRONG = [
    {"type": "message.send"},
    {"type": "message.send", "client_id": 7, "conversation": None, "text": "hello"},
    {"type": "message.send", "client_id": "", "conversation": None, "text": "hello"},
    {"type": "message.send", "client_id": "x" * 101, "conversation": None, "text": "hello"},
    {"type": "message.send", "client_id": "x", "conversation": None, "text": 7},
    {"type": "message.send", "client_id": "x", "conversation": None, "text": ["hello"]},
    {"type": "message.send", "client_id": "x", "conversation": None, "text": " \u0000\n "},
    {"type": "message.send", "client_id": "x", "conversation": None, "text": "y" * 8001},
    {"type": "message.send", "client_id": "x", "conversation": 12, "text": "hello"},
    {"type": "message.send", "client_id": "x", "conversation": "not-a-uuid", "text": "hello"},
    {"type": "message.send", "client_id": "x", "conversation": SOMEBODY, "text": "hello"},
    {"type": "message.retry", "message": None},
    {"type": "message.retry", "message": SOMEBODY},
    {"type": "run.stop", "message": {}},
    {"type": "run.stop", "message": SOMEBODY},
    {"type": "conversation.resume", "conversation": SOMEBODY, "after": 0},
    {"type": "conversation.resume", "conversation": SOMEBODY, "after": -1},
    {"type": "conversation.resume", "conversation": SOMEBODY, "after": 2**63},
    {"type": "conversation.resume", "conversation": SOMEBODY, "after": 1.5},
    {"type": "conversation.resume", "conversation": SOMEBODY, "after": True},
    {"type": "conversation.resume", "conversation": None},
    {"type": "feedback.give", "message": SOMEBODY, "rating": 5, "thumb": "up"},
    {"type": "feedback.give", "message": SOMEBODY, "rating": 0, "thumb": None},
    {"type": "feedback.give", "message": SOMEBODY, "rating": 6, "thumb": None},
    {"type": "feedback.give", "message": SOMEBODY, "rating": "5", "thumb": None},
    {"type": "feedback.give", "message": SOMEBODY, "rating": True, "thumb": None},
    {"type": "feedback.give", "message": SOMEBODY, "rating": 3, "thumb": "sideways"},
    {"type": "feedback.give", "message": SOMEBODY, "rating": 3, "thumb": ["up"]},
    {"type": "feedback.give", "message": SOMEBODY, "rating": 3, "thumb": "up", "comment": "c" * 2001},
    {"type": "action.confirm", "action": 3},
    {"type": "action.confirm", "action": SOMEBODY},
    {"type": "action.decline", "action": SOMEBODY},
]
ODD_TEXTS = [
    "🙂👩‍👩‍👧‍👦🏳️‍🌈", "كم ساعة يعمل الفانوس؟", "כמה שעות?", "null\u0000byte", "\u202egnp.exe", "a\u0300" * 500,
    "\ufeffBOM", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢",
    "<script>alert(1)</script>", "'; DROP TABLE chat_message; --", "%s %(a)s {0} {{ x }} {% now %}", "\\", "\t\r\n x",
    "x" * 8000,
]  # fmt: skip


@pytest.fixture
def base(stage):
    return stage.bases[0]


async def still_serves(customer):
    at = len(customer.frames)
    await customer.send(type="ping")
    await customer.until(lambda frame: frame["type"] == "pong", since=at)


async def closed(customer):
    """The close code that the server gave."""
    return (await customer.until(lambda frame: frame["type"] == "socket.closed"))["code"]


async def test_malformed_and_unknown_frames_get_an_error_and_the_socket_stays(stage, base):
    async with connected(base) as customer:
        for text in MALFORMED:
            at = len(customer.frames)
            await customer.send_text(text)
            error = await customer.until(lambda frame: frame["type"] == "error", since=at)
            assert error["code"] == "malformed", text[:40]
            assert error["detail"]
        for frame in UNKNOWN:
            assert (await customer.error(**frame))["code"] == "unknown_type", frame
        await still_serves(customer)


async def test_frames_with_wrong_values_get_an_error_and_the_socket_stays(stage, base):
    async with connected(base) as customer:
        for frame in WRONG:
            error = await customer.error(**frame)
            assert error["code"] in ("malformed", "not_found", "too_long", "empty"), (frame, error)
            if "client_id" in error:
                assert error["client_id"] == frame["client_id"]
            await asyncio.sleep(0.05)  # a resume costs more than other frames do
        await still_serves(customer)
        assert customer.conversation is None
        assert stage.query("SELECT id FROM chat_message WHERE client_id = 'x'") == []


async def test_a_binary_frame_is_not_understood(base):
    async with connected(base) as customer:
        at = len(customer.frames)
        await customer.send_text(b'{"type": "ping"}')
        assert (await customer.until(lambda frame: frame["type"] == "error", since=at))["code"] == "malformed"
        await still_serves(customer)


@pytest.mark.parametrize("size", [64 * 1024 + 1, MEBIBYTE, 2 * MEBIBYTE])
async def test_a_frame_that_is_too_large_closes_the_socket_with_a_code(base, size):
    async with connected(base) as customer:
        with contextlib.suppress(*BROKEN):
            await customer.send(type="message.send", client_id="big", conversation=None, text="x" * size)
        assert await closed(customer) == 4413


async def test_a_huge_frame_is_cut_off(base):
    async with connected(base) as customer:
        with contextlib.suppress(*BROKEN):
            await customer.send_text("x" * 64 * MEBIBYTE)
        assert await closed(customer) in (4413, 1009, 1006)


async def test_a_large_binary_frame_closes_the_socket(base):
    async with connected(base) as customer:
        with contextlib.suppress(*BROKEN):
            await customer.send_text(b"x" * MEBIBYTE)
        assert await closed(customer) == 4413


async def test_a_thousand_frames_a_second_close_the_socket_and_nobody_else_notices(base):
    async with connected(base) as neighbour, connected(base) as flooder:
        await neighbour.ask(QUESTION)
        with contextlib.suppress(*BROKEN):
            for _ in range(1000):
                await flooder.send_text('{"type": "ping"}')
        assert await closed(flooder) == 4429
        done = await neighbour.until(lambda frame: frame["type"] == "message.done")
        assert done["text"] == ANSWER
        assert problems(neighbour.frames) == []


async def test_one_person_has_a_limited_number_of_sockets(base):
    first = Customer()
    await first.connect(base)
    more = [Customer() for _ in range(24)]
    async with contextlib.AsyncExitStack() as stack:
        for customer in [first, *more]:
            await stack.enter_async_context(customer)
        for customer in more:
            customer.visitor = first.visitor
            await customer.connect(base)
        assert [c.frames[0].get("code") for c in more[-4:]] == [4430] * 4
        await still_serves(first)


async def test_a_page_of_another_origin_is_turned_away(base):
    for origin in ("https://evil.example", base.replace("127.0.0.1", "127.0.0.1.evil.example"), "null", "file://"):
        code = await first_close(base, origin=origin)
        assert code == 4403, origin
    assert await first_close(base, origin=None) is None


async def test_a_socket_must_speak_the_protocol_and_name_a_tenant_that_exists(base):
    assert await first_close(base, subprotocols=None) == 4406
    assert await first_close(base, subprotocols=["askwell.v2"]) == 4406
    assert await first_close(base, path="/ws/no-such-tenant/chat/") == 4404


async def first_close(base, *, path="/ws/acme/chat/", subprotocols=("askwell.v1",), origin=None):
    """The code with which a new socket is closed at once, None when it is not."""
    address = base.replace("http", "ws", 1) + path
    subprotocols = list(subprotocols) if subprotocols else None
    async with websockets.connect(address, subprotocols=subprotocols, origin=origin) as line:
        try:
            assert json.loads(await line.recv())["type"] == "session.ready"
        except websockets.ConnectionClosed as error:
            return error.rcvd.code
        return None


@pytest.mark.parametrize("way", ["cookie", "subprotocol"])
async def test_a_forged_visitor_is_a_stranger(stage, base, way):
    async with connected(base) as victim:
        await victim.say("Hello")
        token, conversation = victim.visitor, victim.conversation
    name, stamp, signature = token.split(".")
    other = stage.cast["acme"]["visitor"].split(".")
    forged = [
        f"{name}.{stamp}.{signature[:-3]}AAA", f"{name}.{other[1]}.{other[2]}", f"{other[0]}.{stamp}.{signature}",
        f"{name}.{stamp}", name, f"{name}..", "x" * 3000, uuid.uuid4().hex,
    ]  # fmt: skip
    for wrong in forged:
        async with Customer(cookie=f"askwell_visitor={wrong}" if way == "cookie" else "") as stranger:
            stranger.visitor = wrong if way == "subprotocol" else None
            ready = await stranger.connect(base)
            assert ready["visitor"] != token
            error = await stranger.error(type="conversation.resume", conversation=conversation, after=0)
            assert error["code"] == "not_found"
            assert not stranger.raw


async def test_odd_texts_come_through_as_they_are(stage, base):
    said = await asyncio.gather(*(say_alone(base, text) for text in ODD_TEXTS))
    for text, (conversation, frames) in zip(ODD_TEXTS, said, strict=True):
        [accepted] = [frame for frame in frames if frame["type"] == "message.accepted"]
        kept = stage.query(
            "SELECT text FROM chat_message WHERE conversation_id = %s AND role = 'customer'", conversation
        )
        assert [(accepted["text"],)] == kept == [(text.replace("\0", "").strip(),)]
        assert frames[-1]["type"] == "message.done", text[:40]
        assert problems(frames) == []


async def say_alone(base, text):
    async with connected(base) as customer:
        await customer.say(text)
        return customer.conversation, customer.frames[:]


async def test_a_known_client_id_is_the_message_there_is(base):
    async with connected(base) as customer:
        client_id = await customer.ask("Hello")
        await customer.until(lambda _: customer.end_of(client_id))
        seen = len(customer.seen("message.accepted"))
        await customer.ask("Something else", client_id)
        await still_serves(customer)
        assert len(customer.seen("run.started")) == 1
        assert len(customer.seen("message.accepted")) == seen


async def test_two_people_may_have_the_same_client_id(base):
    async with connected(base) as one, connected(base) as two:
        await one.ask("Hello", "the-same")
        await two.ask("Hello", "the-same")
        for customer in (one, two):
            await customer.until(lambda _, c=customer: c.end_of("the-same"))
        assert one.conversation != two.conversation


async def test_a_client_ahead_of_the_server_is_told(base):
    async with connected(base) as customer:
        await customer.say("Hello")
        error = await customer.error(type="conversation.resume", conversation=customer.conversation, after=1_000_000)
        assert error["code"] == "ahead"


async def test_sockets_that_never_read_cost_little_and_nobody_else_notices(stage, base):
    """Each asks for a long log and reads none of it; what cannot be delivered must not pile up in the server."""
    async with connected(base) as reader:
        await reader.say(QUESTION)  # so that what the first answer of a process loads is there before it is measured
    conversation, last = reader.conversation, lengthen(stage, reader.conversation)
    web = stage.child("web")
    before = most = web.memory_info().rss
    resume = {"type": "conversation.resume", "conversation": conversation, "after": 0}
    async with connected(base) as neighbour:
        deaf = [deaf_socket(base, reader.visitor) for _ in range(DEAF)]
        for line in deaf:
            line.send(client_frame(json.dumps(resume).ljust(200).encode()))
        started = time.monotonic()
        assert (await neighbour.say(QUESTION))["text"] == ANSWER
        took = time.monotonic() - started
        for _ in range(20):
            await still_serves(neighbour)
            most = max(most, web.memory_info().rss)
            await asyncio.sleep(0.1)
        for line in deaf:
            line.close()
    tell(
        f"beside {DEAF} deaf sockets a reply took {took:.1f} s; the server grew by {(most - before) / MEBIBYTE:.0f} MiB"
    )
    assert most - before < MEMORY_MARGIN
    await it_reads_all_of_it(base, reader, last)


async def it_reads_all_of_it(base, reader, last):
    """Whoever does read gets the long log whole."""
    await reader.connect(base)
    await reader.resume(after=0)
    await reader.until(lambda frame: frame.get("seq") == last)
    await reader.cut()
    assert sorted(reader.raw) == list(range(1, last + 1))


def lengthen(stage, conversation):
    """Gives a conversation a log of LOG_BYTES; returns the number of its last frame."""
    stage.execute(
        "INSERT INTO chat_framelog (tenant_id, conversation_id, first_seq, last_seq, lines) "
        "SELECT tenant_id, id, min(n), max(n), string_agg(json_build_object('type', 'run.step', 'conversation', id, "
        "'seq', n, 'message', id, 'kind', 'search', 'label', repeat('x', 400))::text, E'\\n' ORDER BY n) "
        "FROM chat_conversation, generate_series(last_seq + 1, last_seq + %s) n WHERE id = %s GROUP BY 1, 2, n / 8",
        LOG_BYTES // FRAME_BYTES, conversation,
    )  # fmt: skip
    stage.execute(
        "UPDATE chat_conversation SET last_seq = last_seq + %s WHERE id = %s", LOG_BYTES // FRAME_BYTES, conversation
    )
    [(last,)] = stage.query("SELECT last_seq FROM chat_conversation WHERE id = %s", conversation)
    return last


def deaf_socket(base, visitor):
    """An open WebSocket of a visitor, with a small window, that nobody reads from."""
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    line.connect(("127.0.0.1", int(base.rpartition(":")[2])))
    line.sendall(
        f"GET /ws/acme/chat/ HTTP/1.1\r\nHost: {base.partition('//')[2]}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Protocol: askwell.v1, askwell.visitor.{visitor}\r\n\r\n".encode()
    )
    assert line.recv(12) == b"HTTP/1.1 101"
    return line


def client_frame(payload):
    """A text frame (RFC 6455, 5.2) whose mask is zero; shorter lengths are written in another way."""
    assert 126 <= len(payload) < 2**16
    return b"\x81" + bytes([0x80 | 126]) + len(payload).to_bytes(2, "big") + bytes(4) + payload
