"""The WebSocket of a customer: who they are, what they send, and frames back. Replies themselves run in `chat.hub`.

A plain ASGI application: each event of a Channels consumer costs a visit to a database thread, and sockets need none.
"""

import asyncio
import contextlib
import logging
import uuid
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.http import Http404
from django.http.cookie import parse_cookie
from django.utils.http import is_same_domain

from chat import services, upkeep
from chat.frames import (
    SUBPROTOCOL,
    VISITOR_SUBPROTOCOL,
    ClientFrame,
    DecideAction,
    FrameError,
    GiveFeedback,
    Ping,
    Resume,
    RetryMessage,
    SendMessage,
    StopRun,
    encode,
    encode_error,
    parse,
)
from chat.hub import UNAVAILABLE, AheadError, BehindError, Hub
from chat.queries import NotFoundError, Person, person_of
from chat.shop_tokens import token_of
from chat.throttle import SOCKETS_PER_PERSON, FrameLimit, limited_address
from tenants.access import VISITOR_COOKIE, Access, access_of, find_tenant, read_visitor, sign_visitor
from tenants.models import Tenant
from tenants.scope import in_tenant, in_thread, tenant_scope

log = logging.getLogger(__name__)
Event = dict[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]

LARGEST_FRAME = 64 * 1024  # bytes
INBOX = 200  # frames of a socket that may wait for the one before them
OUTBOX_BYTES = 8 * 1024 * 1024  # that may wait for a socket that reads slowly
OUTBOX_LOW = 256 * 1024  # bytes that may wait before more of a long log is read for it
PATIENCE_SECONDS = 4.0  # for a frame's work, before its sender hears that it takes long
DATABASE_AWAY = "The server cannot reach its database. Your message is safe here: it is sent again in a moment."
RESUME_COST = 10  # frames: a resume may send a long log

# Close codes; standard ones such as 1009 are refused to applications by daphne's WebSocket library.
WRONG_ORIGIN = 4403, "This page may not talk to this server."
NO_TENANT = 4404, "There is nothing at this address."
NO_SUBPROTOCOL = 4406, f"Speak {SUBPROTOCOL}."
TOO_SLOW = 4408, "Too much waits to be read."
TOO_LARGE = 4413, f"A frame holds up to {LARGEST_FRAME // 1024} KiB."
TOO_MANY = 4429, "Too many frames."
TOO_MANY_SOCKETS = 4430, "Too many connections; close another window."
AWAY = 4503, "The database is away; try again in a few seconds."

_sockets: Counter[str] = Counter()


@dataclass(frozen=True, slots=True)
class Visit:
    """Who is at the other end, and where."""

    tenant: Tenant
    access: Access
    person: Person


class CloseError(Exception):
    """The socket must be closed, with this code and reason."""


class ChatConsumer:
    """One socket. `hub` is the process's own unless a test brings one."""

    def __init__(self, hub: Hub | None = None) -> None:
        self._given_hub = hub
        self.wants_html = False
        self._outbox: deque[str] = deque()
        self._outbox_bytes = 0
        self._low = asyncio.Event()
        self._low.set()
        self._wake = asyncio.Event()
        self._overflow: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._inbox: asyncio.Queue[ClientFrame] = asyncio.Queue(INBOX)
        self._frames = FrameLimit()
        self.closed = False

    @classmethod
    def as_asgi(cls, hub: Hub | None = None) -> Callable[[Any, Receive, Send], Awaitable[None]]:
        """An ASGI application that makes a consumer for every socket."""

        async def application(scope: Any, receive: Receive, send: Send) -> None:
            await cls(hub)(scope, receive, send)

        return application

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        self._send = send
        await receive()  # websocket.connect
        protocols = scope.get("subprotocols", [])
        await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL if SUBPROTOCOL in protocols else None})
        try:
            async with self._opened(scope, protocols):
                await self._serve(receive)
        except CloseError as error:
            await self._close(*error.args)
        except OSError:
            return  # the client went while something was being sent

    # Coming in

    @contextlib.asynccontextmanager
    async def _opened(self, scope: Any, protocols: Sequence[str]) -> Any:
        headers = {name.decode("latin1").lower(): value.decode("latin1") for name, value in scope["headers"]}
        if not origin_allowed(headers.get("origin"), headers.get("host", "")):
            raise CloseError(*WRONG_ORIGIN)
        if SUBPROTOCOL not in protocols:
            raise CloseError(*NO_SUBPROTOCOL)
        self.wants_html = parse_qs(scope.get("query_string", b"").decode("latin1")).get("html") == ["1"]
        address = limited_address(scope.get("client"), headers.get("x-forwarded-for", ""))
        try:
            slug = scope["url_route"]["kwargs"]["slug"]
            cookies = parse_cookie(headers.get("cookie", ""))
            found = await in_thread(visit, slug, scope.get("user"), visitor_of(cookies, protocols), cookies)
            self.visit = replace(found, person=replace(found.person, address=address))
            self.hub = self._given_hub or await upkeep.get_hub()
        except Http404 as error:
            raise CloseError(*NO_TENANT) from error
        except UNAVAILABLE as error:
            raise CloseError(*AWAY) from error
        key = f"{self.visit.tenant.pk} {self.visit.person.key}"
        if _sockets[key] >= SOCKETS_PER_PERSON:
            raise CloseError(*TOO_MANY_SOCKETS)
        _sockets[key] += 1
        try:
            yield
        finally:
            _sockets[key] -= 1
            if not _sockets[key]:
                del _sockets[key]
            self.hub.leave(self)

    async def _serve(self, receive: Receive) -> None:
        self._ready()
        work = [asyncio.ensure_future(task) for task in (self._write(), self._work(), self._listen(receive))]
        try:
            done, _ = await asyncio.wait([*work, self._overflow], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self.closed = True
            self._low.set()
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)

    def _ready(self) -> None:
        user, visitor = self.visit.access.user, self.visit.person.visitor
        who = {"kind": "user", "name": user.get_full_name() or user.get_username()} if user else {"kind": "visitor"}
        self.push((encode("session.ready", who=who, visitor=sign_visitor(visitor) if visitor else None),))

    async def _listen(self, receive: Receive) -> None:
        """Takes frames as fast as they come; nothing here waits for what they ask."""
        while (event := await receive())["type"] == "websocket.receive":
            text = event.get("text")
            if len(event.get("bytes") or text or "") > LARGEST_FRAME or len((text or "").encode()) > LARGEST_FRAME:
                raise CloseError(*TOO_LARGE)
            if not self._frames.take():
                raise CloseError(*TOO_MANY)
            try:
                self._take(parse(text or ""))
            except FrameError as error:
                self.push((encode_error(error.code, error.detail),))

    def _take(self, frame: ClientFrame) -> None:
        if isinstance(frame, Ping):
            self.push((encode("pong"),))
        elif isinstance(frame, StopRun):
            self.hub.spawn(self._answer(frame))  # never behind a message that waits for the database
        elif self._inbox.full() or (isinstance(frame, Resume) and not self._frames.take(RESUME_COST)):
            raise CloseError(*TOO_MANY)
        else:
            self._inbox.put_nowait(frame)

    async def _work(self) -> None:
        """Does what the frames ask, one after the other."""
        while True:
            await self._answer(await self._inbox.get())

    async def _answer(self, frame: ClientFrame) -> None:
        about = about_of(frame)
        try:
            await self._patiently(self._do(frame), about)
        except FrameError as error:
            self.push((encode_error(error.code, error.detail, **error.fields, **about),))
        except NotFoundError:
            self.push((encode_error("not_found", "There is no such thing here.", **about),))
        except AheadError:
            self.push((encode_error("ahead", "This page knows more than the server: load it again."),))
        except BehindError:
            self.push((encode_error("behind", "This page has missed too much of a long conversation: load it again."),))
        except UNAVAILABLE:
            self.push((encode_error("unavailable", DATABASE_AWAY, **about),))
        except Exception:  # one frame that breaks must not cost the customer the socket
            log.exception("A frame of type %s broke", type(frame).__name__)
            self.push((encode_error("internal", "Something went wrong on our side. Please try again.", **about),))

    async def _patiently(self, work: Coroutine[Any, Any, None], about: dict[str, str]) -> None:
        """Waits for work to its end, and says meanwhile that it takes long: a database that hangs raises nothing.

        A client that sends its message again does no harm, here as ever.
        """
        task = asyncio.ensure_future(work)
        try:
            done, _ = await asyncio.wait({task}, timeout=PATIENCE_SECONDS)
            if not done:
                self.push((encode_error("unavailable", DATABASE_AWAY, **about),))
            await task
        finally:
            task.cancel()

    async def _do(self, frame: ClientFrame) -> None:
        tenant, person = self.visit.tenant, self.visit.person
        match frame:
            case SendMessage():
                await self.hub.post(self, tenant, person, frame)
            case RetryMessage():
                await self.hub.retry(self, tenant, person, frame.message)
            case Resume():
                await self.hub.resume(self, tenant, person, frame)
            case StopRun():
                await self.hub.stop_run(tenant, person, frame.message)
            case GiveFeedback():
                await in_tenant(
                    tenant.pk, services.give_feedback, person=person, message_id=frame.message, rating=frame.rating,
                    thumb=frame.thumb, comment=frame.comment,
                )  # fmt: skip
                self.push((encode("feedback.saved", message=str(frame.message)),))
            case DecideAction():  # not limited: pressed again it is the same message
                await self.hub.decide(self, tenant, person, frame)

    # Going out

    def push(self, frames: Sequence[str]) -> None:
        """Takes frames for the customer; a socket that does not read them is closed when too much waits."""
        if self.closed:
            return
        self._outbox.extend(frames)
        self._outbox_bytes += sum(map(len, frames))
        if self._outbox_bytes > OUTBOX_LOW:
            self._low.clear()
        if self._outbox_bytes > OUTBOX_BYTES:
            self.closed = True
            self._overflow.set_exception(CloseError(*TOO_SLOW))
        self._wake.set()

    async def drained(self) -> bool:
        """Waits until little waits to be sent; whether the socket is still open."""
        await self._low.wait()
        return not self.closed

    async def _write(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._outbox:
                frame = self._outbox.popleft()
                self._outbox_bytes -= len(frame)
                if self._outbox_bytes <= OUTBOX_LOW:
                    self._low.set()
                await self._send({"type": "websocket.send", "text": frame})

    async def _close(self, code: int, reason: str) -> None:
        with contextlib.suppress(OSError, RuntimeError):  # the client has gone first
            await self._send({"type": "websocket.close", "code": code, "reason": reason})


def about_of(frame: ClientFrame) -> dict[str, str]:
    """What an error says of the frame it answers."""
    if isinstance(frame, SendMessage):
        return {"client_id": frame.client_id}
    return {"action": str(frame.action)} if isinstance(frame, DecideAction) else {}


def visit(slug: str, user: Any, visitor: uuid.UUID, cookies: Mapping[str, str]) -> Visit:
    """Who comes to which tenant; Http404 when there is none."""
    tenant = find_tenant(slug)
    with tenant_scope(tenant.pk):
        access = access_of(user, visitor)
    return Visit(tenant, access, replace(person_of(access), token=token_of(cookies, slug)))


def visitor_of(cookies: Mapping[str, str], protocols: Sequence[str]) -> uuid.UUID:
    """The visitor of a cookie or of a second subprotocol; a new one when both are missing or forged."""
    token = cookies.get(VISITOR_COOKIE)
    named = next((p.removeprefix(VISITOR_SUBPROTOCOL) for p in protocols if p.startswith(VISITOR_SUBPROTOCOL)), None)
    return read_visitor(token) or read_visitor(named) or uuid.uuid4()


def origin_allowed(origin: str | None, host: str) -> bool:
    """Whether a page of this origin may connect: one of this host, or a trusted one; programs send none."""
    if origin is None:
        return True
    parts = urlsplit(origin)
    if parts.netloc and parts.netloc.lower() == host.lower():
        return True
    trusted = (urlsplit(entry) for entry in settings.CSRF_TRUSTED_ORIGINS)
    return any(t.scheme == parts.scheme and is_same_domain(parts.netloc, t.netloc.removeprefix("*")) for t in trusted)
