"""The OpenAI chat completions protocol as a server writes it: events, documents, and the connection they go out on."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Sequence

CHARACTERS_PER_TOKEN = 4
CLOCK = "{clock}"
"""Stands for the time of sending in a paced reply: milliseconds of the system's monotonic clock."""
SLOW_TOKEN_MS = 100.0
END_OF_BODY = b"0\r\n\r\n"
END_MARKER = b"data: [DONE]\n\n"
TOKEN = re.compile(r"\s*\S+|\s+$")


@dataclass(frozen=True, slots=True)
class Call:
    """A tool that the model asks for."""

    name: str
    arguments: str
    """As the model writes them: JSON, or what a broken model takes for it."""


@dataclass(slots=True)
class Exchange:
    """One request and the connection that its answer goes out on."""

    request: dict[str, Any]
    say: str
    calls: Sequence[Call]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    answered: bool = False
    """Whether an answer began: that is what a model charges for."""
    written: int = 0
    """Characters of the text that were sent."""
    reported: bool = False
    """Whether the client was told what it came to."""

    @property
    def tokens(self) -> list[str]:
        """Return the text in the pieces that it is sent in."""
        return TOKEN.findall(self.say)

    async def document(self, status: str, content: dict[str, Any], *headers: str) -> bool:
        """Answer with a JSON document; returns True: the connection can take another request."""
        return await send_json(self.writer, status, content, *headers)

    def open(self) -> None:
        """Send the head of a stream."""
        self.answered = True
        self.writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")

    def send(self, data: bytes) -> None:
        """Send bytes of the body."""
        self.writer.write(http_chunk(data))

    def event(self, delta: dict[str, Any], finish: str | None = None) -> bytes:
        """Return an event with a change of the answer."""
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return event(self._frame("chat.completion.chunk") | {"choices": [choice]})

    def send_tokens(self, tokens: Sequence[str]) -> None:
        """Send tokens at once, each in an event of its own."""
        self.written += sum(map(len, tokens))
        self.writer.write(b"".join(http_chunk(self.event({"content": token})) for token in tokens))

    async def drip(self, tokens: Sequence[str], seconds: float) -> None:
        """Send tokens at a steady pace, however late one of them was."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        for token in tokens:
            stamped = token.replace(CLOCK, str(time.monotonic_ns() // 1_000_000))
            self.send(self.event({"content": stamped}))
            self.written += len(token)
            await self.writer.drain()
            due += seconds
            await asyncio.sleep(max(0.0, due - loop.time()))
            self.check()

    def send_calls(self, *, cut: bool = False) -> None:
        """Send the calls of tools; half of each where it is cut."""
        for number, call in enumerate(self.calls):
            for delta in call_pieces(number, call, cut=cut):
                self.send(self.event(delta))

    def send_finish(self, usage: dict[str, int] | None = None) -> None:
        """Say that the answer is complete and what it came to."""
        self.send(self.event({}, finish="tool_calls" if self.calls else "stop"))
        frame = self._frame("chat.completion.chunk") | {"choices": [], "usage": usage or self.usage()}
        self.send(event(frame))
        self.reported = usage is None

    async def end(self) -> bool:
        """Send the end marker and end the body."""
        self.send(END_MARKER)
        self.writer.write(END_OF_BODY)
        await self.writer.drain()
        return True

    async def silence(self) -> bool:
        """Send nothing until the client leaves."""
        await self.writer.drain()
        while await self.reader.read(1024):
            pass
        raise ConnectionResetError

    async def keep_alive(self) -> bool:
        """Send comments until the client leaves."""
        while True:
            self.check()
            self.send(b": keep-alive\n\n")
            await self.writer.drain()
            await asyncio.sleep(SLOW_TOKEN_MS / 1000)

    def check(self) -> None:
        """Raise ConnectionResetError once the client has left."""
        if self.reader.at_eof():
            raise ConnectionResetError

    def usage(self) -> dict[str, int]:
        """Return what the whole answer comes to."""
        return usage_of(self.request, len(self.say))

    def completion(self) -> dict[str, Any]:
        """Return the answer as one document."""
        message: dict[str, Any] = {"role": "assistant", "content": self.say or None}
        if self.calls:
            message["tool_calls"] = [
                {"id": call_id(), "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
                for call in self.calls
            ]
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if self.calls else "stop"}
        return self._frame("chat.completion") | {"choices": [choice], "usage": self.usage()}

    def _frame(self, kind: str) -> dict[str, Any]:
        model = self.request.get("model", "scripted")
        return {"id": "chatcmpl-scripted", "object": kind, "created": 0, "model": model}


async def send_json(writer: asyncio.StreamWriter, status: str, content: dict[str, Any], *headers: str) -> bool:
    """Send a JSON document; returns True: the connection can take another request."""
    await send_document(writer, status, orjson.dumps(content), "application/json", *headers)
    return True


async def send_document(
    writer: asyncio.StreamWriter, status: str, body: bytes, content_type: str, *headers: str
) -> None:
    """Send a whole response."""
    lines = [f"HTTP/1.1 {status}", f"content-type: {content_type}", f"content-length: {len(body)}", *headers]
    writer.write("\r\n".join([*lines, "", ""]).encode() + body)
    await writer.drain()


def http_chunk(data: bytes) -> bytes:
    """Return a piece of a body of unknown length."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def event(content: dict[str, Any]) -> bytes:
    """Return a server-sent event."""
    return b"data: %b\n\n" % orjson.dumps(content)


def usage_of(request: dict[str, Any], written: int) -> dict[str, int]:
    """Return what an answer of so many characters comes to by this server's count."""
    prompt, completion = _size(request) // CHARACTERS_PER_TOKEN, written // CHARACTERS_PER_TOKEN
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _size(request: dict[str, Any]) -> int:
    """Return the characters of all that a model reads: the messages, the calls in them, the tools it is offered."""
    said = [str(message.get("content") or "") for message in request["messages"]]
    for message in request["messages"]:
        for call in message.get("tool_calls") or ():
            said += [call["function"]["name"], call["function"]["arguments"]]
    for tool in request.get("tools") or ():
        offered = tool["function"]
        said += [
            offered["name"],
            offered.get("description") or "",
            orjson.dumps(offered.get("parameters") or {}).decode(),
        ]
    return sum(map(len, said))


def call_pieces(index: int, call: Call, *, cut: bool) -> list[dict[str, Any]]:
    """Return a call as models stream it: its name, then its arguments in pieces; the first half where it is cut."""
    half = len(call.arguments) // 2
    opening = {"index": index, "id": call_id(), "type": "function", "function": {"name": call.name, "arguments": ""}}
    rest = [] if cut else [call.arguments[half:]]
    pieces = [{"index": index, "function": {"arguments": text}} for text in [call.arguments[:half], *rest]]
    return [{"tool_calls": [piece]} for piece in [opening, *pieces]]


def call_id() -> str:
    """Return an id as models give them to calls."""
    return f"call_{secrets.token_hex(6)}"
