"""A small HTTP server that speaks the OpenAI chat completions protocol from a script, faults included.

For tests, benchmarks and demonstrations without a model. A script is JSON:

    {"profile": "normal", "token_ms": 0,
     "replies": [{"when": "battery", "say": "Twelve hours. [1]", "profile": "slow"},
                 {"when": "where is", "calls": [{"name": "track_delivery", "arguments": {"order_id": "ORD-1"}}]}],
     "otherwise": "I have read the passages. [1]"}

`when` is a regular expression searched in the last message, upper and lower case alike; the first that matches answers,
with text, with calls of tools, or with both.
A model named `anything:PROFILE` sets the profile of its own requests.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

SLOW_TOKEN_MS = 100.0
CHARACTERS_PER_TOKEN = 4
CLOCK = "{clock}"
"""Stands for the time of sending in a paced reply: milliseconds of the system's monotonic clock."""
DEFAULT_REPLY = "This is a scripted reply. [1]"
EVENT_STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
END_OF_BODY = b"0\r\n\r\n"
TOKEN = re.compile(r"\s*\S+|\s+$")


class ScriptError(ValueError):
    """The script is not what the module's docstring describes; the message says where."""


class Profile(StrEnum):
    """How the server behaves."""

    NORMAL = "normal"
    SLOW = "slow"  # one token every SLOW_TOKEN_MS
    CUT = "cut"  # half of the tokens, then the connection closes, no finish reason
    UNFINISHED = "unfinished"  # every token and the end marker, no finish reason
    ERROR = "error"  # status 500
    HANG = "hang"  # headers and keep-alives, never any content
    STALL = "stall"  # half of the tokens, then silence
    REFUSE = "refuse"  # closes the connection without a word


REPORTING = frozenset({Profile.NORMAL, Profile.SLOW})
"""Profiles that tell the client their count."""


@dataclass(frozen=True, slots=True)
class Call:
    """A tool that the model asks for."""

    name: str
    arguments: str
    """As the model writes them: JSON, or what a broken model takes for it."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What to say to messages that match, and which tools to ask for."""

    when: re.Pattern[str] = re.compile("")
    say: str = ""
    profile: Profile | None = None
    calls: tuple[Call, ...] = ()


@dataclass(frozen=True, slots=True)
class Script:
    """The replies, and what holds where a reply says nothing else."""

    replies: tuple[Reply, ...] = ()
    otherwise: str = DEFAULT_REPLY
    profile: Profile = Profile.NORMAL
    token_ms: float = 0.0

    @classmethod
    def parse(cls, text: str | bytes) -> Self:
        """Read a script from JSON.

        Raises:
            ScriptError: with the reason.
        """
        try:
            data = orjson.loads(text)
            replies = tuple(
                Reply(
                    re.compile(entry["when"], re.IGNORECASE),
                    entry.get("say", "") if "calls" in entry else entry["say"],
                    _profile(entry.get("profile")),
                    tuple(_call(call) for call in entry.get("calls", ())),
                )
                for entry in data.get("replies", ())
            )
            otherwise = data.get("otherwise", DEFAULT_REPLY)
            profile = _profile(data.get("profile")) or Profile.NORMAL
            return cls(replies, otherwise, profile, float(data.get("token_ms", 0)))
        except KeyError as error:
            raise ScriptError(f"a reply lacks {error}") from error
        except (AttributeError, TypeError, ValueError, re.error) as error:
            raise ScriptError(str(error)) from error

    def reply(self, message: str) -> Reply:
        """Return the first reply that matches, or the one for everything else."""
        for reply in self.replies:
            if reply.when.search(message):
                return reply
        return Reply(say=self.otherwise)


@dataclass(frozen=True, slots=True)
class Counted:
    """What a request came to by the server's own count; `reported` says whether the client was told."""

    model: str
    prompt_tokens: int
    completion_tokens: int
    reported: bool


@dataclass(slots=True)
class ScriptedServer:
    """`async with ScriptedServer(script) as server:` listens on `server.base_url`.

    `choose` gets the whole request and takes the place of the script's replies where it returns one.
    """

    script: Script = field(default_factory=Script)
    host: str = "127.0.0.1"
    port: int = 0
    choose: Callable[[dict[str, Any]], Reply | None] | None = None
    requests: list[dict[str, Any]] = field(default_factory=list)
    """The bodies of all chat requests so far."""
    log: list[Counted] = field(default_factory=list)
    """What the server would charge for: nothing where it refuses, what it sent where it breaks off."""
    dropped: int = 0
    """Streams the client left before their end."""
    _server: asyncio.Server | None = None
    _connections: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def base_url(self) -> str:
        """What goes into OPENAI_BASE_URL."""
        return f"http://{self.host}:{self.port}/v1"

    async def __aenter__(self) -> Self:
        """Listen; port 0 takes a free one."""
        self._server = await asyncio.start_server(self._accept, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening and end every connection."""
        if self._server:
            self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.get_running_loop().create_task(self._connection(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._request(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client went away
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request and return whether the connection can take another."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        length = re.search(r"^content-length:\s*(\d+)", head, re.IGNORECASE | re.MULTILINE)
        body = await reader.readexactly(int(length[1]) if length else 0)
        path = head.split(" ", 2)[1]
        if path.endswith("/models"):
            return await _send_json(
                writer, "200 OK", {"object": "list", "data": [{"id": "scripted", "object": "model"}]}
            )
        if not path.endswith("/chat/completions"):
            return await _send_json(writer, "404 Not Found", {"error": {"message": f"no such path: {path}"}})
        try:
            request = orjson.loads(body)
        except ValueError as error:
            return await _send_json(writer, "400 Bad Request", {"error": {"message": str(error)}})
        self.requests.append(request)
        return await self._answer(request, reader, writer)

    async def _answer(
        self, request: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        chosen = self.choose(request) if self.choose else None
        reply = chosen or self.script.reply(str(request["messages"][-1]["content"]))
        profile = _profile_of_model(str(request.get("model", ""))) or reply.profile or self.script.profile
        if profile is Profile.REFUSE:
            return False
        if profile is Profile.ERROR:
            return await _send_json(writer, "500 Internal Server Error", {"error": {"message": "scripted failure"}})
        if not request.get("stream"):
            self._count(request, reply.say, reported=True)
            return await _send_json(writer, "200 OK", _completion(request, reply))
        try:
            return await self._stream(request, reply, profile, reader, writer)
        except ConnectionError:
            self.dropped += 1
            raise

    async def _stream(
        self,
        request: dict[str, Any],
        reply: Reply,
        profile: Profile,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bool:
        writer.write(EVENT_STREAM)
        said: list[str] = []
        try:
            return await self._say(request, reply, profile, said, reader, writer)
        finally:
            self._count(
                request, "".join(said), reported=profile in REPORTING and len(said) == len(TOKEN.findall(reply.say))
            )

    async def _say(  # noqa: PLR0913, PLR0917 (a stream and what is known of it)
        self,
        request: dict[str, Any],
        reply: Reply,
        profile: Profile,
        said: list[str],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bool:
        """Stream a reply; `said` grows with what is sent of it."""
        if profile is Profile.HANG:
            return await self._keep_alive(reader, writer)
        pause = max(self.script.token_ms, SLOW_TOKEN_MS if profile is Profile.SLOW else 0.0) / 1000
        tokens = TOKEN.findall(reply.say)
        sent = tokens[: len(tokens) // 2] if profile in {Profile.CUT, Profile.STALL} else tokens
        if not pause:
            said += sent
            writer.write(b"".join(_event(_chunk(request, {"content": token})) for token in sent))
        else:
            await self._drip(request, sent, pause, said, reader, writer)
        for number, call in enumerate(reply.calls):
            for delta in _call_pieces(number, call, cut=profile in {Profile.CUT, Profile.STALL}):
                writer.write(_event(_chunk(request, delta)))
        if profile is Profile.CUT:
            await writer.drain()
            return False
        if profile is Profile.STALL:
            return await self._keep_alive(reader, writer)
        if profile is not Profile.UNFINISHED:
            finish = "tool_calls" if reply.calls else "stop"
            writer.write(_event(_chunk(request, {}, finish=finish)) + _event(_usage_chunk(request, reply.say)))
        writer.write(_http_chunk(b"data: [DONE]\n\n") + END_OF_BODY)
        await writer.drain()
        return True

    async def _drip(  # noqa: PLR0913, PLR0917 (a stream and what is known of it)
        self,
        request: dict[str, Any],
        tokens: list[str],
        pause: float,
        said: list[str],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        for token in tokens:
            stamped = token.replace(CLOCK, str(time.monotonic_ns() // 1_000_000))
            writer.write(_event(_chunk(request, {"content": stamped})))
            said.append(token)
            await writer.drain()
            due += pause  # a steady pace, however late a token was
            await asyncio.sleep(max(0.0, due - loop.time()))
            if reader.at_eof():
                raise ConnectionResetError

    def _count(self, request: dict[str, Any], said: str, *, reported: bool) -> None:
        usage = _usage(request, said)
        model = str(request.get("model", ""))
        self.log.append(Counted(model, usage["prompt_tokens"], usage["completion_tokens"], reported))

    async def _keep_alive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        while not reader.at_eof():
            writer.write(_http_chunk(b": keep-alive\n\n"))
            await writer.drain()
            await asyncio.sleep(SLOW_TOKEN_MS / 1000)
        raise ConnectionResetError


def _profile(name: str | None) -> Profile | None:
    if name is None:
        return None
    try:
        return Profile(name)
    except ValueError as error:
        raise ScriptError(f"unknown profile {name!r}; there are: {', '.join(Profile)}") from error


def _profile_of_model(model: str) -> Profile | None:
    suffix = model.rpartition(":")[2]
    return Profile(suffix) if suffix in set(Profile) else None


async def _send_json(writer: asyncio.StreamWriter, status: str, content: dict[str, Any]) -> bool:
    body = orjson.dumps(content)
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()
    return True


def _http_chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _event(content: dict[str, Any]) -> bytes:
    return _http_chunk(b"data: %b\n\n" % orjson.dumps(content))


def _frame(request: dict[str, Any], kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-scripted", "object": kind, "created": 0, "model": request.get("model", "scripted")}


def _chunk(request: dict[str, Any], delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return _frame(request, "chat.completion.chunk") | {"choices": [choice]}


def _usage(request: dict[str, Any], say: str) -> dict[str, int]:
    prompt = sum(len(str(message.get("content", ""))) for message in request["messages"]) // CHARACTERS_PER_TOKEN
    completion = len(say) // CHARACTERS_PER_TOKEN
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _usage_chunk(request: dict[str, Any], say: str) -> dict[str, Any]:
    return _frame(request, "chat.completion.chunk") | {"choices": [], "usage": _usage(request, say)}


def _completion(request: dict[str, Any], reply: Reply) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": reply.say or None}
    if reply.calls:
        message["tool_calls"] = [
            {"id": _call_id(), "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in reply.calls
        ]
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if reply.calls else "stop"}
    return _frame(request, "chat.completion") | {"choices": [choice], "usage": _usage(request, reply.say)}


def _call(entry: dict[str, Any]) -> Call:
    arguments = entry.get("arguments", {})
    return Call(entry["name"], arguments if isinstance(arguments, str) else orjson.dumps(arguments).decode())


def _call_pieces(index: int, call: Call, *, cut: bool) -> list[dict[str, Any]]:
    """A call as models stream it: its name first, then its arguments in pieces; only the first half where it is cut."""
    half = len(call.arguments) // 2
    opening = {"index": index, "id": _call_id(), "type": "function", "function": {"name": call.name, "arguments": ""}}
    rest = [] if cut else [call.arguments[half:]]
    pieces = [{"index": index, "function": {"arguments": text}} for text in [call.arguments[:half], *rest]]
    return [{"tool_calls": [piece]} for piece in [opening, *pieces]]


def _call_id() -> str:
    return f"call_{secrets.token_hex(6)}"
