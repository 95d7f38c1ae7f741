"""The body of a streamed answer, read seldom: whatever has come since the last time is one burst.

A model sends every token by itself. To wake up for each, through the event loop and the layers of an HTTP client, costs
a process with a hundred streams more than everything else it does with them, and customers get frames of several tokens
anyway. So all streams of a process together go to the network `READS_PER_SECOND` times a second at most: few streams
are read as soon as there is something, of many each waits a little longer and finds more.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx2

READS_PER_SECOND = 1_500
"""Of all streams of a process."""
MAX_AHEAD = 256 << 10
"""Bytes that are read before they are asked for."""


class Bursts:
    """`async with Bursts(response) as bursts:` reads a body in a task of its own, until its end or the block's."""

    streaming = 0
    """How many bodies this process reads now."""

    def __init__(self, response: httpx2.Response) -> None:
        """Take a response of which nothing has been read but its head."""
        self.paced = False
        """Whether reads keep their distance; not before the first text, for which somebody waits."""
        self._response = response
        self._pieces: list[bytes] = []
        self._size = 0
        self._arrived = asyncio.Event()
        self._taken = asyncio.Event()
        self._read_at = 0.0

    async def __aenter__(self) -> Self:
        """Begin to read."""
        Bursts.streaming += 1
        _pace(self._response, self)
        self._reading = asyncio.create_task(self._collect())
        self._reading.add_done_callback(lambda _: self._arrived.set())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Break off what has not been read."""
        Bursts.streaming -= 1
        self.paced = False
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)

    async def next(self) -> bytes:
        """Return all that has come since the last time; wait if that is nothing. Empty at the end of the body.

        Raises:
            httpx2.HTTPError: the connection broke.
        """
        await self._arrived.wait()
        if not self._reading.done():
            self._arrived.clear()
        elif not self._pieces:
            self._reading.result()
        burst = b"".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        self._taken.set()
        return burst

    async def end(self, limit: float) -> None:
        """Read on to the end of the body, for `limit` seconds at most."""
        self.paced = False
        await asyncio.wait({self._reading}, timeout=limit)

    async def pause(self) -> None:
        """Wait until it is time for another look at the network."""
        loop = asyncio.get_running_loop()
        early = self._read_at + Bursts.streaming / READS_PER_SECOND - loop.time()
        if self.paced and early > 0:
            await asyncio.sleep(early)
        self._read_at = loop.time()

    async def _collect(self) -> None:
        # What one read of the network holds comes out without a wait in between, so `next` wakes up behind all of it.
        async for piece in self._response.aiter_bytes():
            self._pieces.append(piece)
            self._size += len(piece)
            self._arrived.set()
            while self._size > MAX_AHEAD:
                self._taken.clear()
                await self._taken.wait()


class _PacedRead:
    """Stands before the `read` of a connection's network stream, which the HTTP client has no hook for."""

    def __init__(self, read: Callable[..., Awaitable[bytes]]) -> None:
        self._read = read
        self.bursts: Bursts | None = None

    async def __call__(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 (httpcore's name)
        if self.bursts:
            await self.bursts.pause()
        return await self._read(max_bytes, timeout)


def _pace(response: httpx2.Response, bursts: Bursts) -> None:
    """Let a body's reader decide when its connection is read; a connection has one response at a time."""
    stream = response.extensions.get("network_stream")
    if stream is None:
        return  # not from a network
    if not isinstance(stream.read, _PacedRead):
        stream.read = _PacedRead(stream.read)
    stream.read.bursts = bursts
