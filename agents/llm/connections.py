"""Connections to models that owners of tenants name: to the public internet alone.

The name of a server is resolved when a connection is opened, every address it has must be public, and the connection
goes to the very address that was checked; so neither a redirect nor a name that changes its mind leads inside.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import httpcore2
import httpx2
import openai

from knowledge.fetching import is_public

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

KEPT_CONNECTIONS = 20
MAX_CONNECTIONS = 200
KEPT_SECONDS = 30.0
MAX_ERROR_BODY = 64 << 10
"""Bytes that are read of what a server says about an error."""


class NotPublicError(httpcore2.ConnectError):
    """The address is not on the public internet."""


class PublicBackend(httpcore2.AsyncNetworkBackend):
    """Opens connections like the default, after looking where they lead."""

    def __init__(self) -> None:
        """Nothing is opened yet."""
        self._backend = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (the signature of the base)
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Open a connection; raises NotPublicError, or what the default raises."""
        address = await _public_address(host, port, timeout)
        return await self._backend.connect_tcp(address, port, timeout, local_address, socket_options)

    async def sleep(self, seconds: float) -> None:
        """Wait, between the tries of a connection."""
        await asyncio.sleep(seconds)


async def _public_address(host: str, port: int, seconds: float | None) -> str:
    try:
        async with asyncio.timeout(seconds):
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except TimeoutError as error:
        raise httpcore2.ConnectTimeout(f"{host} could not be resolved in time") from error
    except (OSError, UnicodeError) as error:
        raise httpcore2.ConnectError(f"{host} could not be resolved") from error
    addresses = [str(entry[4][0]) for entry in found]
    if not addresses or not all(is_public(address.partition("%")[0]) for address in addresses):
        raise NotPublicError(f"{host} is not on the public internet")
    return addresses[0]


class _PublicTransport(httpx2.AsyncHTTPTransport):
    """The usual transport with another way to open connections, which its own constructor takes no argument for."""

    def __init__(self) -> None:
        super().__init__()
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=httpx2.create_ssl_context(),
            max_connections=MAX_CONNECTIONS,
            max_keepalive_connections=KEPT_CONNECTIONS,
            keepalive_expiry=KEPT_SECONDS,
            network_backend=PublicBackend(),
        )


class _Capped(httpx2.AsyncByteStream):
    """The first `MAX_ERROR_BODY` bytes of a body."""

    def __init__(self, body: httpx2.AsyncByteStream) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        room = MAX_ERROR_BODY
        async for piece in self._body:
            yield piece[:room]
            room -= len(piece)
            if room <= 0:
                return

    async def aclose(self) -> None:
        await self._body.aclose()


async def _cap_error(response: httpx2.Response) -> None:
    """Keep the client, which reads the whole body of an error, from reading for ever."""
    if response.is_error and isinstance(response.stream, httpx2.AsyncByteStream):
        response.stream = _Capped(response.stream)


def direct_client() -> httpx2.AsyncClient:
    """Return an HTTP client that reaches whatever the host does."""
    return openai.DefaultAsyncHttpxClient(event_hooks={"response": [_cap_error]})


def public_client() -> httpx2.AsyncClient:
    """Return an HTTP client that reaches the public internet alone, and knows no proxy."""
    return openai.DefaultAsyncHttpxClient(transport=_PublicTransport(), event_hooks={"response": [_cap_error]})
