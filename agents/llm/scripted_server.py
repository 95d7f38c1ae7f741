"""A small HTTP server that speaks the OpenAI chat completions protocol from a script, faults included.

For tests, benchmarks and demonstrations without a model. A script is JSON:

    {"profile": "normal", "token_ms": 0,
     "replies": [{"when": "battery", "say": "Twelve hours. [1]", "profile": "slow"},
                 {"when": "where is", "calls": [{"name": "track_delivery", "arguments": {"order_id": "ORD-1"}}]}],
     "otherwise": "I have read the passages. [1]"}

`when` is a regular expression searched in the last message, upper and lower case alike; the first that matches answers,
with text, with calls of tools, or with both.
A model named `anything:PROFILE` sets the profile of its own requests; there are those of `agents.llm.scripted_faults`.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import orjson

from agents.llm.scripted_faults import FAULTS, HEAD_FAULTS, Profile
from agents.llm.scripted_wire import CLOCK, SLOW_TOKEN_MS, Call, Exchange, send_json, usage_of

__all__ = ["CLOCK", "Call", "Counted", "Profile", "Reply", "Script", "ScriptError", "ScriptedServer"]

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

DEFAULT_REPLY = "This is a scripted reply. [1]"


class ScriptError(ValueError):
    """The script is not what the module's docstring describes; the message says where."""


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
            return await send_json(
                writer, "200 OK", {"object": "list", "data": [{"id": "scripted", "object": "model"}]}
            )
        if not path.endswith("/chat/completions"):
            return await send_json(writer, "404 Not Found", {"error": {"message": f"no such path: {path}"}})
        try:
            request = orjson.loads(body)
        except ValueError as error:
            return await send_json(writer, "400 Bad Request", {"error": {"message": str(error)}})
        self.requests.append(request)
        return await self._answer(request, reader, writer)

    async def _answer(
        self, request: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        chosen = self.choose(request) if self.choose else None
        reply = chosen or self.script.reply(str(request["messages"][-1]["content"]))
        profile = _profile_of_model(str(request.get("model", ""))) or reply.profile or self.script.profile
        if not request.get("stream") and profile not in HEAD_FAULTS:
            profile = Profile.WHOLE
        exchange = Exchange(request, reply.say, reply.calls, reader, writer)
        try:
            return await FAULTS[profile](exchange) if profile in FAULTS else await self._say(exchange, profile)
        except ConnectionError:
            self.dropped += 1
            raise
        finally:
            self._count(exchange)

    async def _say(self, exchange: Exchange, profile: Profile) -> bool:
        exchange.open()
        pause = max(self.script.token_ms, SLOW_TOKEN_MS if profile is Profile.SLOW else 0.0) / 1000
        if pause:
            await exchange.drip(exchange.tokens, pause)
        else:
            exchange.send_tokens(exchange.tokens)
        exchange.send_calls()
        exchange.send_finish()
        return await exchange.end()

    def _count(self, exchange: Exchange) -> None:
        if exchange.answered:
            usage = usage_of(exchange.request, exchange.written)
            model = str(exchange.request.get("model", ""))
            counts = usage["prompt_tokens"], usage["completion_tokens"]
            self.log.append(Counted(model, *counts, exchange.reported))


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


def _call(entry: dict[str, Any]) -> Call:
    arguments = entry.get("arguments", {})
    return Call(entry["name"], arguments if isinstance(arguments, str) else orjson.dumps(arguments).decode())
