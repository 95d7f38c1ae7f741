"""What the scripted server can do wrong: each fault is a function that answers one request its way.

Each takes the exchange and returns whether the connection can take another request.
"""

from __future__ import annotations

import asyncio
import itertools
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from agents.llm.scripted_wire import (
    END_MARKER,
    SLOW_TOKEN_MS,
    call_pieces,
    event,
    http_chunk,
    send_document,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from agents.llm.scripted_wire import Exchange

RETRY_AFTER = 30
HUGE = 10_000_000
"""Characters of a token that is none."""
SPLIT = 3
"""Bytes of a piece that ends in the middle of characters and events."""
PIECE = 65_536


class Profile(StrEnum):
    """How the server behaves."""

    NORMAL = "normal"
    SLOW = "slow"  # one token every SLOW_TOKEN_MS
    CUT = "cut"  # half of the tokens, then the connection closes, no finish reason
    UNFINISHED = "unfinished"  # every token and the end marker, no finish reason
    UNMARKED = "unmarked"  # every token and the finish reason, then the connection closes without the end marker
    OPEN = "open"  # everything and the end marker, then the body just does not end
    ERROR = "error"  # status 500
    ENDLESS_ERROR = "endless-error"  # status 500, and what it says about it never ends
    LIMITED = "limited"  # status 429: come back after RETRY_AFTER seconds
    LIMITED_BRIEFLY = "limited-briefly"  # after one second
    LIMITED_UNTIL = "limited-until"  # the same as a date
    UNAUTHORISED = "unauthorised"  # status 401: a wrong key
    UNKNOWN_MODEL = "unknown-model"  # status 404
    REFUSE = "refuse"  # closes the connection without a word
    MUTE = "mute"  # takes the request and never answers
    SILENT = "silent"  # headers, then silence
    HANG = "hang"  # headers and keep-alives, never any content
    BLANK = "blank"  # headers and events without content, for ever
    STALL = "stall"  # half of the tokens, then keep-alives only
    ONE_TOKEN = "one-token"  # noqa: S105 (no password); one token, then silence
    DRIP = "drip"  # a token every SLOW_TOKEN_MS, for ever
    ENDLESS = "endless"  # tokens as fast as they are taken, for ever
    FLOOD = "flood"  # keep-alives as fast as they are taken, for ever
    EMPTY = "empty"  # complete, without a word
    HTML = "html"  # a page, with status 200
    WHOLE = "whole"  # one document instead of a stream
    BROKEN = "broken"  # half of the tokens, then an event that is no JSON
    ERROR_EVENT = "error-event"  # half of the tokens, then an event that reports an error
    SPLIT = "split"  # events and characters cut anywhere; nothing is missing
    HALVES = "halves"  # each character beyond the first plane as two escapes in two events
    DOUBLED = "doubled"  # calls with their name and id in every piece, and each piece twice
    HUGE = "huge"  # one token of 10 MB
    ABSURD_USAGE = "absurd-usage"  # a count of tokens below nothing


async def _error(exchange: Exchange) -> bool:
    return await exchange.document("500 Internal Server Error", {"error": {"message": "scripted failure"}})


async def _endless_error(exchange: Exchange) -> bool:
    exchange.writer.write(b"HTTP/1.1 500 Internal Server Error\r\ntransfer-encoding: chunked\r\n\r\n")
    return await _for_ever(exchange, b"failed " * (PIECE // 7))


def _limited(retry_after: Callable[[], str]) -> Callable[[Exchange], Awaitable[bool]]:
    async def answer(exchange: Exchange) -> bool:
        error = {"error": {"message": "Rate limit reached", "type": "requests", "code": "rate_limit_exceeded"}}
        return await exchange.document("429 Too Many Requests", error, f"retry-after: {retry_after()}")

    return answer


async def _unauthorised(exchange: Exchange) -> bool:
    error = {"error": {"message": "Incorrect API key provided", "code": "invalid_api_key"}}
    return await exchange.document("401 Unauthorized", error)


async def _unknown_model(exchange: Exchange) -> bool:
    return await exchange.document("404 Not Found", {"error": {"message": "The model does not exist"}})


async def _refuse(exchange: Exchange) -> bool:
    del exchange
    return False


async def _mute(exchange: Exchange) -> bool:
    return await exchange.silence()


async def _silent(exchange: Exchange) -> bool:
    exchange.open()
    return await exchange.silence()


async def _hang(exchange: Exchange) -> bool:
    exchange.open()
    return await exchange.keep_alive()


async def _blank(exchange: Exchange) -> bool:
    exchange.open()
    while True:
        exchange.check()
        exchange.send(exchange.event({"role": "assistant", "content": ""}))
        exchange.send(exchange.event({"reasoning_content": "hm"}))
        await exchange.writer.drain()
        await asyncio.sleep(SLOW_TOKEN_MS / 1000)


async def _cut(exchange: Exchange) -> bool:
    _half(exchange)
    await exchange.writer.drain()
    return False


async def _stall(exchange: Exchange) -> bool:
    _half(exchange)
    return await exchange.keep_alive()


async def _one_token(exchange: Exchange) -> bool:
    exchange.open()
    exchange.send_tokens(exchange.tokens[:1])
    return await exchange.silence()


async def _unfinished(exchange: Exchange) -> bool:
    _all(exchange)
    return await exchange.end()


async def _unmarked(exchange: Exchange) -> bool:
    _all(exchange)
    exchange.send_finish()
    await exchange.writer.drain()
    return False


async def _open(exchange: Exchange) -> bool:
    _all(exchange)
    exchange.send_finish()
    exchange.send(END_MARKER)
    return await exchange.silence()


async def _drip(exchange: Exchange) -> bool:
    exchange.open()
    while True:
        await exchange.drip(exchange.tokens or ["word "], SLOW_TOKEN_MS / 1000)


async def _endless(exchange: Exchange) -> bool:
    exchange.open()
    for token in itertools.cycle(exchange.tokens or ["word "]):
        exchange.check()
        exchange.send_tokens([token])
        await exchange.writer.drain()
    return False


async def _flood(exchange: Exchange) -> bool:
    exchange.open()
    return await _for_ever(exchange, b": keep-alive\n\n" * (PIECE // 14))


async def _empty(exchange: Exchange) -> bool:
    exchange.open()
    exchange.send(exchange.event({"role": "assistant", "content": ""}))
    exchange.send_finish()
    return await exchange.end()


async def _html(exchange: Exchange) -> bool:
    await send_document(exchange.writer, "200 OK", b"<!doctype html><title>Sign in</title>", "text/html")
    return True


async def _whole(exchange: Exchange) -> bool:
    exchange.answered = exchange.reported = True
    exchange.written = len(exchange.say)
    return await exchange.document("200 OK", exchange.completion())


async def _broken(exchange: Exchange) -> bool:
    _half(exchange)
    await exchange.writer.drain()
    await asyncio.sleep(SLOW_TOKEN_MS / 1000)
    exchange.send(b'data: {"choices": [{"delta": {"content": \n\n')
    return await exchange.end()


async def _error_event(exchange: Exchange) -> bool:
    _half(exchange)
    await exchange.writer.drain()
    await asyncio.sleep(SLOW_TOKEN_MS / 1000)
    exchange.send(event({"error": {"message": "scripted failure"}}))
    return await exchange.end()


async def _split(exchange: Exchange) -> bool:
    exchange.open()
    exchange.written = len(exchange.say)
    deltas = [{"content": token} for token in exchange.tokens]
    deltas += [piece for number, call in enumerate(exchange.calls) for piece in call_pieces(number, call, cut=False)]
    data = b"".join(map(exchange.event, deltas)).replace(b"\n\n", b"\r\n\r\n")
    for at in range(0, len(data), SPLIT):
        exchange.send(data[at : at + SPLIT])
        await exchange.writer.drain()
        await asyncio.sleep(0)
    exchange.send_finish()
    return await exchange.end()


async def _halves(exchange: Exchange) -> bool:
    exchange.open()
    exchange.written = len(exchange.say)
    units = exchange.say.encode("utf-16-be", "surrogatepass")
    for at in range(0, len(units), 2):
        escaped = b"\\u%04x" % int.from_bytes(units[at : at + 2])
        exchange.send(exchange.event({"content": "@"}).replace(b'"@"', b'"%b"' % escaped))
        await exchange.writer.drain()
    exchange.send_calls()
    exchange.send_finish()
    return await exchange.end()


async def _doubled(exchange: Exchange) -> bool:
    exchange.open()
    exchange.send_tokens(exchange.tokens)
    for number, call in enumerate(exchange.calls):
        opening, *pieces = call_pieces(number, call, cut=False)
        named = opening["tool_calls"][0]
        for piece in pieces:
            arguments = piece["tool_calls"][0]["function"]["arguments"]
            whole = named | {"function": {"name": call.name, "arguments": arguments}}
            exchange.send(exchange.event({"tool_calls": [whole]}) * 2)
    exchange.send_finish()
    return await exchange.end()


async def _huge(exchange: Exchange) -> bool:
    exchange.open()
    head, tail = exchange.event({"content": "@"}).split(b"@")
    exchange.send(head)
    for _ in range(HUGE // PIECE):
        exchange.check()
        exchange.send(b"x" * PIECE)
        await exchange.writer.drain()
    exchange.send(tail)
    exchange.send_finish()
    return await exchange.end()


async def _absurd_usage(exchange: Exchange) -> bool:
    _all(exchange)
    exchange.send_finish({"prompt_tokens": -7, "completion_tokens": 10**15, "total_tokens": -1})
    return await exchange.end()


def _all(exchange: Exchange) -> None:
    exchange.open()
    exchange.send_tokens(exchange.tokens)
    exchange.send_calls()


def _half(exchange: Exchange) -> None:
    exchange.open()
    tokens = exchange.tokens
    exchange.send_tokens(tokens[: len(tokens) // 2])
    exchange.send_calls(cut=True)


async def _for_ever(exchange: Exchange, data: bytes) -> bool:
    piece = http_chunk(data)
    while True:
        exchange.check()
        exchange.writer.write(piece)
        await exchange.writer.drain()
        await asyncio.sleep(0)


def _in(seconds: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


FAULTS: dict[Profile, Callable[[Exchange], Awaitable[bool]]] = {
    Profile.CUT: _cut,
    Profile.UNFINISHED: _unfinished,
    Profile.UNMARKED: _unmarked,
    Profile.OPEN: _open,
    Profile.ERROR: _error,
    Profile.ENDLESS_ERROR: _endless_error,
    Profile.LIMITED: _limited(lambda: str(RETRY_AFTER)),
    Profile.LIMITED_BRIEFLY: _limited(lambda: "1"),
    Profile.LIMITED_UNTIL: _limited(lambda: _in(RETRY_AFTER)),
    Profile.UNAUTHORISED: _unauthorised,
    Profile.UNKNOWN_MODEL: _unknown_model,
    Profile.REFUSE: _refuse,
    Profile.MUTE: _mute,
    Profile.SILENT: _silent,
    Profile.HANG: _hang,
    Profile.BLANK: _blank,
    Profile.STALL: _stall,
    Profile.ONE_TOKEN: _one_token,
    Profile.DRIP: _drip,
    Profile.ENDLESS: _endless,
    Profile.FLOOD: _flood,
    Profile.EMPTY: _empty,
    Profile.HTML: _html,
    Profile.WHOLE: _whole,
    Profile.BROKEN: _broken,
    Profile.ERROR_EVENT: _error_event,
    Profile.SPLIT: _split,
    Profile.HALVES: _halves,
    Profile.DOUBLED: _doubled,
    Profile.HUGE: _huge,
    Profile.ABSURD_USAGE: _absurd_usage,
}
"""Every profile but the two that are none."""
HEAD_FAULTS = frozenset(
    {
        Profile.ERROR, Profile.ENDLESS_ERROR, Profile.LIMITED, Profile.LIMITED_BRIEFLY, Profile.LIMITED_UNTIL,
        Profile.UNAUTHORISED, Profile.UNKNOWN_MODEL, Profile.REFUSE, Profile.MUTE, Profile.HTML,
    }
)  # fmt: skip
"""Those that come before an answer begins, whether it is to be streamed or not."""
