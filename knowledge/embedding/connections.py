"""Connections to embedding servers, bounded in time and size; those that owners of tenants name are public ones alone.

The name of a server is resolved when a connection is opened, every address it has must be public, and the connection
goes to the very address that was checked; so neither a redirect nor a name that changes its mind leads inside.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import httpcore2
import httpx2
import openai

from knowledge.embedding.base import EmbedderError
from knowledge.fetching import is_public, resolve

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

OPENAI = "https://api.openai.com/v1"
TIMEOUT = httpx2.Timeout(30.0, connect=5.0)  # seconds without a sign of life
BODY_SECONDS = 60.0  # for the whole of an answer, once it begins
MAX_BODY = 64 << 20  # bytes: 64 vectors of 8,192 numbers, written out, are a fifth of it
KEPT_SECONDS = 30.0
CONNECTIONS = 20


class NotPublicError(httpcore2.ConnectError):
    """The address is not on the public internet."""


class UnboundedError(httpx2.ReadError):
    """An answer is larger, or takes longer, than any that is right."""


class PublicBackend(httpcore2.NetworkBackend):
    """Opens connections like the default, after looking where they lead."""

    def __init__(self) -> None:
        """Nothing is opened yet."""
        self._backend = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """Open a connection; raises NotPublicError, or what the default raises."""
        return self._backend.connect_tcp(_public_address(host, port), port, timeout, local_address, socket_options)

    def sleep(self, seconds: float) -> None:
        """Wait, between the tries of a connection."""
        time.sleep(seconds)


def _public_address(host: str, port: int) -> str:
    try:
        addresses = resolve(host, port)
    except (OSError, UnicodeError) as error:
        raise httpcore2.ConnectError(f"{host} could not be resolved") from error
    if not addresses or not all(is_public(address.partition("%")[0]) for address in addresses):
        raise NotPublicError(f"{host} is not on the public internet")
    return addresses[0]


class _PublicTransport(httpx2.HTTPTransport):
    """The usual transport with another way to open connections, which its own constructor takes no argument for."""

    def __init__(self) -> None:
        super().__init__()
        self._pool = httpcore2.ConnectionPool(
            ssl_context=httpx2.create_ssl_context(),
            max_connections=CONNECTIONS,
            max_keepalive_connections=CONNECTIONS,
            keepalive_expiry=KEPT_SECONDS,
            network_backend=PublicBackend(),
        )


class _Bounded(httpx2.SyncByteStream):
    """A body of at most `MAX_BODY` bytes that ends within `BODY_SECONDS`."""

    def __init__(self, body: httpx2.SyncByteStream) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        size, until = 0, time.monotonic() + BODY_SECONDS
        for piece in self._body:
            size += len(piece)
            if size > MAX_BODY:
                raise UnboundedError("the answer is too large")
            if time.monotonic() > until:
                raise UnboundedError("the answer takes too long")
            yield piece

    def close(self) -> None:
        self._body.close()


def _bound(response: httpx2.Response) -> None:
    """Keep the client, which reads whole bodies, from reading for ever."""
    if isinstance(response.stream, httpx2.SyncByteStream):
        response.stream = _Bounded(response.stream)


def connect_as_configured(api_key: str, base_url: str) -> openai.OpenAI:
    """A client of the installation's embedding server, which reaches whatever the host does.

    Raises:
        EmbedderError: there is neither a key nor the address of a server that may need none.
    """
    if not api_key and not base_url:
        raise EmbedderError(
            "ASKWELL_EMBEDDING_MODEL names a model of a server. Set OPENAI_API_KEY, or OPENAI_BASE_URL for a server "
            "that needs no key, or leave ASKWELL_EMBEDDING_MODEL empty to use the local model."
        )
    return connect_to(base_url, api_key, private=True)


def connect_to(base_url: str, api_key: str, *, private: bool) -> openai.OpenAI:
    """A client of an embedding server; nothing is sent yet.

    Args:
        base_url: such as https://api.example.com/v1; empty: OpenAI's own.
        api_key: empty for servers that need none.
        private: whether it may lie inside the network; otherwise no proxy is used, either.
    """
    hooks = {"response": [_bound]}
    if private:
        client = openai.DefaultHttpxClient(event_hooks=hooks)
    else:
        client = openai.DefaultHttpxClient(transport=_PublicTransport(), event_hooks=hooks)
    return openai.OpenAI(
        api_key=api_key or "none", base_url=base_url or OPENAI, timeout=TIMEOUT, max_retries=0, http_client=client
    )
