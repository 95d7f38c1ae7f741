"""Asks servers whose addresses a curator gave, for documents or by HTTP tools, and none inside our own network.

A name is resolved once for each hop; every address it has must be public; the connection goes to the very address that
was checked, so a name that changes its mind between check and use (DNS rebinding) gains nothing.
"""

import http.client
import ipaddress
import mimetypes
import re
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from email.message import Message
from pathlib import PurePosixPath
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit

MAX_BYTES = 25 * 1024 * 1024
MAX_SECONDS = 30.0  # for everything: names, redirects, the body
MAX_REDIRECTS = 5
READ_BYTES = 64 * 1024
REDIRECTS = {301, 302, 303, 307, 308}
NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address
REASONS = {
    401: "asks for a sign-in",
    403: "refuses to give the page to us",
    404: "has no page there",
    410: "has no page there any more",
    429: "asks us to come back later",
}
TOO_MANY_REDIRECTS = "This address redirects more than five times. Give the address of the page itself."
HEADERS = {"User-Agent": "Askwell", "Accept": "*/*", "Accept-Encoding": "gzip, identity;q=0.5", "Connection": "close"}

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], list[str]]
Rule = Callable[[str], bool]


class FetchError(Exception):
    """An address could not be fetched; `str()` is a sentence for a curator: what happened and what to do."""


class NotPublicError(FetchError):
    """The address, or one that it redirects to, is not on the public internet."""


class TooSlowError(FetchError):
    """The server took longer than it may."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What an address gave."""

    data: bytes
    filename: str
    url: str


@dataclass(frozen=True, slots=True)
class Request:
    """What a server is asked. `headers` are sent beside HEADERS, and only to the server of `url` itself."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered, with whatever status; `whole` is False where there was more than was read."""

    status: int
    headers: Message
    data: bytes
    whole: bool


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet, whichever way it is written or wrapped."""
    ip: IPAddress = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        wrapped = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in NAT64:
            wrapped = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if wrapped is not None:
            return is_public(str(wrapped))
        if ip.is_site_local:
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified or ip.is_link_local)


def resolve(host: str, port: int) -> list[str]:
    """All IP addresses of a name, in the order of preference of the system."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def fetch(url: str, *, resolver: Resolver = resolve, allowed: Rule = is_public) -> Fetched:
    """The document at an address, after at most five redirects, in at most 30 seconds and 25 MB.

    Raises:
        FetchError: and nothing else, whatever the other side does.
    """
    deadline = time.monotonic() + MAX_SECONDS
    try:
        for _ in range(MAX_REDIRECTS + 1):
            parts = _checked(url)
            address = _address(parts, resolver, allowed, deadline)
            with _answer(parts, address, deadline, Request(url)) as answer:
                if answer.status not in REDIRECTS or not answer.headers.get("Location"):
                    return _document(parts, answer, deadline)
                url = urljoin(url, answer.headers["Location"])
    except (OSError, http.client.HTTPException, zlib.error, ValueError) as error:
        raise _broken(error, deadline) from error
    raise FetchError(TOO_MANY_REDIRECTS)


def send(  # noqa: PLR0913 (its limits have names)
    request: Request,
    *,
    seconds: float,
    limit: int,
    connect: float | None = None,
    resolver: Resolver = resolve,
    allowed: Rule = is_public,
) -> Reply:
    """The answer of a server, of which at most `limit` bytes are read, within `seconds` for everything.

    `connect` is how many of them the connection may take; None: all.

    Redirects are followed for GET alone, each as carefully as the first address; another server does not get the
    request's own headers.

    Raises:
        FetchError: NotPublicError, TooSlowError or another one, and nothing else.
    """
    deadline = time.monotonic() + seconds
    try:
        for _ in range(MAX_REDIRECTS + 1):
            parts = _checked(request.url)
            address = _address(parts, resolver, allowed, deadline)
            with _answer(parts, address, deadline, request, connect) as answer:
                target = answer.headers.get("Location")
                if request.method != "GET" or answer.status not in REDIRECTS or not target:
                    data, whole = _read(answer, limit)
                    if time.monotonic() >= deadline:
                        raise _too_slow()
                    return Reply(answer.status, answer.headers, data, whole and not answer.length)
                request = _redirected(request, urljoin(request.url, target))
    except (OSError, http.client.HTTPException, zlib.error, ValueError) as error:
        raise _broken(error, deadline) from error
    raise FetchError(TOO_MANY_REDIRECTS)


def _redirected(request: Request, url: str) -> Request:
    before, after = _checked(request.url), _checked(url)
    same = (before.scheme, before.hostname, _port(before)) == (after.scheme, after.hostname, _port(after))
    return Request(url, headers=request.headers if same else {})


def _broken(error: Exception, deadline: float) -> FetchError:
    if time.monotonic() >= deadline or isinstance(error, TimeoutError):
        return _too_slow()
    return FetchError(f"The server at this address could not be reached or broke off ({error}). Retry.")


def _checked(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _port(parts)
        known = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        known = False
    if not known:
        raise FetchError(f"{url[:200]} is no address of a page. Give one that begins with http:// or https://.")
    if parts.username is not None:
        raise FetchError("The address holds a user name. Give one that works without.")
    return parts


def _port(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


def _address(parts: SplitResult, resolver: Resolver, allowed: Rule, deadline: float) -> str:
    host = parts.hostname or ""
    pool = ThreadPoolExecutor(1)  # the system's resolver knows no time limit
    try:
        addresses = pool.submit(resolver, host, _port(parts)).result(max(deadline - time.monotonic(), 0))
    except TooSlow as error:
        raise _too_slow() from error
    except (OSError, UnicodeError) as error:
        raise FetchError(f"There is no server called {host}. Check the address.") from error
    finally:
        pool.shutdown(wait=False)
    if not addresses or not all(map(allowed, addresses)):
        raise NotPublicError(
            f"{host} is not on the public internet. Askwell only fetches public pages; upload the file."
        )
    return addresses[0]


class _Pinned(http.client.HTTPConnection):
    """A connection to an address chosen before, in the name of the host (Host header, SNI, certificate)."""

    def __init__(self, parts: SplitResult, address: str, timeout: float, connect: float) -> None:
        super().__init__(parts.hostname or "", _port(parts), timeout=timeout)
        self._left, self._connect = timeout, connect
        self._secure, self._address = parts.scheme == "https", address
        self.wire: socket.socket | None = None  # kept while the answer is read; `sock` is not
        self.default_port = 443 if self._secure else 80  # leaves the usual port out of the Host header

    def connect(self) -> None:
        self.sock = self.wire = socket.create_connection((self._address, self.port), self._connect)
        if self._secure:
            self.sock = ssl.create_default_context().wrap_socket(self.sock, server_hostname=self.host)
            self.wire = self.sock
        self.sock.settimeout(self._left)


@contextmanager
def _answer(
    parts: SplitResult, address: str, deadline: float, request: Request, connect: float | None = None
) -> Iterator[http.client.HTTPResponse]:
    left = deadline - time.monotonic()
    if left <= 0:
        raise _too_slow()
    connection = _Pinned(parts, address, left, min(left, connect or left))
    # A socket's timeout starts again with every byte; this ends a server that sends one now and then.
    watch = threading.Timer(left, _cut, (connection,))
    watch.daemon = True
    watch.start()
    try:
        with closing(connection):
            headers = {**HEADERS, **request.headers}
            connection.request(request.method, _target(parts), request.body or None, headers)
            with closing(connection.getresponse()) as answer:
                yield answer
    finally:
        watch.cancel()


def _cut(connection: _Pinned) -> None:
    with suppress(OSError):
        if connection.wire is not None:
            connection.wire.shutdown(socket.SHUT_RDWR)


def _target(parts: SplitResult) -> str:
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    return f"{path}?{quote(parts.query, safe='/%:@!$&()*+,;=~-._?')}" if parts.query else path


def _document(parts: SplitResult, answer: http.client.HTTPResponse, deadline: float) -> Fetched:
    if answer.status != http.client.OK:
        reason = REASONS.get(answer.status, "answers with an error")
        raise FetchError(f"{parts.hostname} {reason} (status {answer.status}). Check the address, or retry later.")
    data = _body(answer, deadline)
    if not data:
        raise FetchError("The page at this address is empty. Check the address.")
    return Fetched(data, _filename(parts, answer.headers), parts.geturl())


def _body(answer: http.client.HTTPResponse, deadline: float) -> bytes:
    body, whole = _read(answer, MAX_BYTES)
    if not whole:
        raise FetchError(f"The file is larger than {MAX_BYTES // 2**20} MB. Upload it, in parts if need be.")
    if time.monotonic() >= deadline:
        raise _too_slow()
    if answer.length:
        raise FetchError("The server broke off before the end of the file. Retry.")
    return body


def _read(answer: http.client.HTTPResponse, limit: int) -> tuple[bytes, bool]:
    """At most `limit` bytes of the body, unpacked, and whether there were no more."""
    unpack = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16) if _is_gzip(answer) else None
    body = bytearray()
    while raw := answer.read1(READ_BYTES):
        body += unpack.decompress(raw, limit + 1 - len(body)) if unpack else raw
        if len(body) > limit:
            return bytes(body[:limit]), False
    return bytes(body), True


def _is_gzip(answer: http.client.HTTPResponse) -> bool:
    return answer.headers.get("Content-Encoding", "").strip().lower() in ("gzip", "x-gzip")


def _too_slow() -> TooSlowError:
    return TooSlowError(f"The server took longer than {MAX_SECONDS:.0f} seconds. Retry later, or upload the file.")


def _filename(parts: SplitResult, headers: Message) -> str:
    """A name for the file, with an extension that tells its kind."""
    name = headers.get_filename() or PurePosixPath(unquote(parts.path)).name or parts.hostname or "page"
    name = re.sub(r"[^\w. ()-]+", "_", name).strip(". ")[-120:] or "page"
    extension = mimetypes.guess_extension(headers.get_content_type()) or ""
    known = mimetypes.guess_type(name)[0]
    if extension and (known is None or extension == ".html") and not name.lower().endswith((".html", ".htm", ".md")):
        name += extension
    return name
