"""Any server that speaks the OpenAI chat completions protocol.

The official client builds, signs and sends the request. Its stream objects are not used: validating every token into
nested models measured 75 µs a token, which at 60 replies a second is most of a core. The raw body is decoded here
instead, and the tokens of one burst leave as one delta (about 4 µs a token).
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing, closing, contextmanager
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import httpx2
import openai
import orjson
from django.utils import timezone

from agents.llm.base import Chunk, LLMError, TextDelta
from agents.llm.bursts import Bursts
from agents.llm.completion import CompletionReader
from agents.llm.connections import direct_client, public_client
from agents.llm.request import request_body
from agents.llm.sse import EventDecoder, EventTooLargeError, WholeBody
from tenants.secrets import scrub

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Sequence

    from agents.llm.base import Message, Options, ToolSpec

log = logging.getLogger(__name__)

CONNECT_LIMIT = 5.0
"""Seconds to open the connection, or to wait for a free one."""
FIRST_CONTENT_LIMIT = 20.0
"""Seconds from the request to the first text or tool call; keep-alives and empty events do not count."""
IDLE_LIMIT = 15.0
"""Seconds between two pieces of content."""
TOTAL_LIMIT = 60.0
"""Seconds for the whole answer."""
AFTER_FINISH_LIMIT = 2.0
"""Seconds to wait for the usage and the end marker once the model has said that it is done."""
DRAIN_LIMIT = 0.05
"""Seconds to let the body end after its end marker, so that the connection can be used again."""

MAX_BODY = 32 << 20
"""Bytes of one answer, its comments and hidden thoughts included; more is a flood."""
MAX_PREAMBLE = 4 << 20
"""Bytes before its first text."""
LONGEST_WAIT = 300.0
"""Seconds of a Retry-After that is believed."""

END_MARKER = b"[DONE]"
EVENT_STREAMS = ("text/event-stream", "text/plain", "application/octet-stream")
"""Content types that servers stream events with; those that stream nothing answer in JSON."""
WHOLE = "application/json"
RETRYABLE_STATUSES = frozenset({408, 409, 425, 429})
SERVER_ERROR = 500
NO_KEY = "none"
"""Sent to servers that need no key; the client insists on one."""
TOOLS_REFUSED = frozenset({400, 404, 422, 501})
"""Statuses of servers and models that know no tools."""

_without_tools: set[tuple[str, str]] = set()
"""Addresses and models that have answered only without tools."""
_Clients = dict[tuple[str, str, bool], openai.AsyncOpenAI]
_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, _Clients] = WeakKeyDictionary()


def shared_client(base_url: str, api_key: str, *, public_only: bool = False) -> openai.AsyncOpenAI:
    """Return the client of this address and key on the running loop; connections are pooled in it."""
    clients = _clients.setdefault(asyncio.get_running_loop(), {})
    client = clients.get((base_url, api_key, public_only))
    if client is None:
        client = clients[base_url, api_key, public_only] = openai.AsyncOpenAI(
            api_key=api_key or NO_KEY,
            base_url=base_url or None,
            max_retries=0,
            http_client=public_client() if public_only else direct_client(),
            timeout=httpx2.Timeout(FIRST_CONTENT_LIMIT, connect=CONNECT_LIMIT, pool=CONNECT_LIMIT),
        )
    return client


async def close_clients() -> None:
    """Close the running loop's clients, at shutdown."""
    for client in _clients.pop(asyncio.get_running_loop(), {}).values():
        await client.close()


@contextmanager
def _scrubbed(secret: str) -> Iterator[None]:
    """Keep a key out of errors: some servers repeat what they refuse, and errors end in traces and logs."""
    try:
        yield
    except LLMError as error:
        error.args = (scrub(str(error), secret),)
        raise


class OpenAICompatible:
    """A model behind an address and a key."""

    def __init__(  # noqa: PLR0913 (keywords: what an address is made of)
        self,
        *,
        name: str,
        model: str,
        base_url: str = "",
        api_key: str = "",
        public_only: bool = False,
        key: str = "",
    ) -> None:
        """Name it for traces ("primary", "fallback"); an empty `base_url` means OpenAI's own.

        With `public_only`, no connection leads inside the network, whoever named the address. `key` is what the circuit
        breaker knows it by.
        """
        self.name = name
        self.model = model
        self.key = key
        self._base_url = base_url
        self._api_key = api_key
        self._public_only = public_only

    async def stream(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec], options: Options
    ) -> AsyncGenerator[Chunk, None]:
        """Stream one answer; see `agents.llm.base.Provider`."""
        clock = _Clock(options.deadline)
        with _scrubbed(self._api_key):
            response = await self._open(messages, tools, options, clock)
            reader = CompletionReader()
            async with aclosing(response), aclosing(_events(response, clock, _decoder_for(response))) as bursts:
                async for events in bursts:
                    text, calls = reader.read(events)
                    for call in calls:
                        if call.name or call.arguments:
                            clock.content()
                        yield call
                    if text:
                        if clock.started or not text.isspace():
                            clock.content()
                        yield TextDelta(text)
                    if reader.finish:
                        clock.finishing()
                if reader.usage:
                    yield reader.usage
                if reader.finish:
                    yield reader.finish

    async def _open(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec], options: Options, clock: _Clock
    ) -> httpx2.Response:
        """Ask; a server that refuses the question with tools is asked without, now and from then on."""
        place = self._base_url, options.model or self.model
        if place in _without_tools:
            tools = ()
        try:
            return await self._post(request_body(self.model, messages, tools, options), clock)
        except LLMError as error:
            if not tools or error.status not in TOOLS_REFUSED:
                raise
        response = await self._post(request_body(self.model, messages, (), options), clock)
        _without_tools.add(place)
        log.warning("%s takes no tools: it is asked without them", place[1])
        return response

    async def _post(self, body: dict[str, Any], clock: _Clock) -> httpx2.Response:
        client = shared_client(self._base_url, self._api_key, public_only=self._public_only)
        try:
            async with asyncio.timeout_at(clock.limit):
                return await client.post(
                    "/chat/completions", cast_to=httpx2.Response, content=orjson.dumps(body), stream=True
                )
        except TimeoutError as error:
            raise LLMError("no answer in time", kind="first_content", retryable=True) from error
        except openai.APITimeoutError as error:
            raise LLMError("no connection or no answer in time", kind="connect", retryable=True) from error
        except openai.APIStatusError as error:
            retryable = error.status_code in RETRYABLE_STATUSES or error.status_code >= SERVER_ERROR
            wait = _retry_after(error.response.headers.get("retry-after", ""))
            raise LLMError(
                str(error), kind="status", retryable=retryable, status=error.status_code, retry_after=wait
            ) from error
        except (openai.OpenAIError, httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise LLMError(f"{type(error).__name__}: {error}", kind="connect", retryable=True) from error


def _retry_after(asked: str) -> float | None:
    """Return the seconds that a header asks to wait for, as a number or as the date until which."""
    try:
        seconds = float(asked)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(asked) - timezone.now()).total_seconds()
        except (ValueError, TypeError, OverflowError):
            return None
    return min(seconds, LONGEST_WAIT) if seconds > 0 else None


def _decoder_for(response: httpx2.Response) -> EventDecoder | WholeBody:
    content_type = response.headers.get("content-type", "")
    if content_type.startswith(WHOLE):
        return WholeBody()
    if content_type and not content_type.startswith(EVENT_STREAMS):
        raise LLMError(f"expected an event stream, got {content_type[:100]!r}", kind="protocol", retryable=False)
    return EventDecoder()


class _Clock:
    """The moment after which a stream is given up, moved on as content arrives."""

    def __init__(self, deadline: float | None) -> None:
        self._time = asyncio.get_running_loop().time
        now = self._time()
        self.total = min(deadline or now + TOTAL_LIMIT, now + TOTAL_LIMIT)
        self.limit = min(now + FIRST_CONTENT_LIMIT, self.total)
        self.started = False
        self.finished = False

    def content(self) -> None:
        self.started = True
        self.limit = min(self._time() + IDLE_LIMIT, self.total)

    def finishing(self) -> None:
        self.finished = True
        self.limit = min(self.limit, self._time() + AFTER_FINISH_LIMIT)

    def expired(self) -> None:
        """Decide what running into the limit means: a growing or complete answer just ends here.

        Raises:
            LLMError: nothing has come, or nothing more is coming.
        """
        still_growing = self.started and self.limit == self.total
        if not (still_growing or self.finished):
            kind = "idle" if self.started else "first_content"
            raise LLMError(f"the {kind} limit passed", kind=kind, retryable=True)


class _Alarm:
    """Raises TimeoutError in a block that runs into the clock's limit; for one task, block after block.

    `asyncio.timeout` for each of a thousand reads costs as much as reading. This sets a timer once and, when it rings
    early because the limit has moved on, sets it again.
    """

    def __init__(self, clock: _Clock) -> None:
        task = asyncio.current_task()
        assert task is not None, "streams are read in a task"  # noqa: S101 (a rule for developers)
        self._clock, self._task, self._loop = clock, task, asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._armed = self._rang = False

    def __enter__(self) -> None:
        if self._timer is None or self._timer.when() > self._clock.limit:
            self._set()
        self._armed = True

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._armed = False
        if self._rang:
            self._rang = False
            if self._task.uncancel() == 0 and kind is asyncio.CancelledError:
                raise TimeoutError

    def _set(self) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._clock.limit, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if not self._armed:
            return  # the next block sets it
        if self._loop.time() < self._clock.limit:
            self._set()
        else:
            self._rang = True
            self._task.cancel()

    def close(self) -> None:
        """Ring no more."""
        if self._timer:
            self._timer.cancel()


async def _events(
    response: httpx2.Response, clock: _Clock, decoder: EventDecoder | WholeBody
) -> AsyncGenerator[list[bytes], None]:
    """Yield the events of each burst until the end marker, the end of the body or a limit."""
    taken = 0
    async with Bursts(response) as bursts:
        with closing(_Alarm(clock)) as alarm:
            while (read := await _read(bursts, clock, alarm)) is not None:
                taken += len(read)
                if taken > (MAX_BODY if clock.started else MAX_PREAMBLE):
                    raise LLMError(f"a flood of {taken} bytes", kind="protocol", retryable=False)
                events = _decode(decoder, read)
                if END_MARKER in events:
                    yield events[: events.index(END_MARKER)]
                    await bursts.end(DRAIN_LIMIT)
                    return
                if events:
                    yield events
                if not read:
                    return
                bursts.paced = clock.started


async def _read(bursts: Bursts, clock: _Clock, alarm: _Alarm) -> bytes | None:
    """Return what comes next, nothing at the end of the body, None when there is nothing more to wait for."""
    try:
        with alarm:
            return await bursts.next()
    except TimeoutError:
        clock.expired()
        return None
    except httpx2.RemoteProtocolError:
        return None  # the server closed in mid-body: an answer cut short, not a failure to answer
    except httpx2.HTTPError as error:
        raise LLMError(f"{type(error).__name__}: {error}", kind="connection", retryable=True) from error


def _decode(decoder: EventDecoder | WholeBody, read: bytes) -> list[bytes]:
    try:
        return decoder.feed(read) if read else decoder.finish()
    except EventTooLargeError as error:
        raise LLMError(str(error), kind="protocol", retryable=False) from error
