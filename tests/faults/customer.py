"""A customer on the askwell.v1 socket who comes back after every cut, and what must hold of the frames they got."""

import asyncio
import contextlib
import itertools
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, Self

import websockets

Frame = dict[str, Any]
PATIENCE = 60.0  # seconds for what takes a moment; the machine may be busy
TERMINAL = ("message.done", "message.failed")
WITHOUT_NUMBER = {"session.ready", "pong", "error", "feedback.saved", "message.html", "socket.closed"}
NUMBERED = {
    "message.accepted", "run.started", "run.step", "message.delta", "message.reset", "message.card",
    "handover.requested", "handover.taken", "handover.returned", "handover.closed", "action.proposed", "action.done",
    "frames.skipped", *TERMINAL,
}  # fmt: skip
#: What a connection throws while a process is being killed or started.
BROKEN = (OSError, websockets.WebSocketException, TimeoutError, EOFError)


class Customer:
    """One person and one conversation; frames of all sockets they ever had, in the order they came.

    `outbox` holds what they have written and nobody has acknowledged: it is sent again whenever they come back.
    """

    ids = itertools.count(1)

    def __init__(self, tenant: str = "acme", *, cookie: str = "", html: bool = False) -> None:
        self.tenant, self.cookie, self.html = tenant, cookie, html
        self.frames: list[Frame] = []
        self.raw: dict[int, str] = {}
        self.outbox: dict[str, Frame] = {}
        self.conversation: str | None = None
        self.visitor: str | None = None
        self.cuts = 0
        self._line: Any = None
        self._reader: asyncio.Task[None] | None = None
        self._news = asyncio.Condition()

    # The line

    async def connect(self, base: str) -> Frame:
        """Opens a socket as the same person as before; returns its first frame."""
        protocols = ["askwell.v1", *([f"askwell.visitor.{self.visitor}"] if self.visitor and not self.cookie else [])]
        self._line = await websockets.connect(
            f"{base.replace('http', 'ws', 1)}/ws/{self.tenant}/chat/{'?html=1' if self.html else ''}",
            subprotocols=protocols, origin=base, max_size=None, open_timeout=PATIENCE, ping_interval=None,
            additional_headers={"Cookie": self.cookie} if self.cookie else None,
        )  # fmt: skip
        at = len(self.frames)
        self._reader = asyncio.ensure_future(self._read(self._line))
        ready = await self.until(lambda frame: frame["type"] in ("session.ready", "socket.closed"), since=at)
        self.visitor = ready.get("visitor") or self.visitor
        return ready

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.cut()

    async def _read(self, line: Any) -> None:
        with contextlib.suppress(*BROKEN):
            async for text in line:
                await self._got(json.loads(text), text)
        self._line = None
        await self._got({"type": "socket.closed", "code": line.close_code, "reason": line.close_reason}, "")

    async def _got(self, frame: Frame, text: str) -> None:
        async with self._news:
            self.frames.append(frame)
            if "seq" in frame:
                self.conversation = self.conversation or frame["conversation"]
                self.raw[frame["seq"]] = text
            if frame["type"] == "message.accepted":
                self.outbox.pop(frame["client_id"], None)
            self._news.notify_all()

    async def cut(self, *, rudely: bool = False) -> None:
        """Loses the connection: with a close handshake, or without a word."""
        line, reader = self._line, self._reader
        if line is None or reader is None:
            return
        self.cuts += 1
        if rudely:
            line.transport.abort()
        with contextlib.suppress(*BROKEN):
            await asyncio.wait_for(line.close(), PATIENCE)
        await reader

    async def come_back(self, base: str) -> None:
        """Connects again, asks for what was missed, and sends again what nobody has acknowledged."""
        await self.connect(base)
        if self.conversation:
            await self.resume()
        for frame in list(self.outbox.values()):
            await self.send(**{**frame, "conversation": self.conversation})

    async def send(self, **frame: Any) -> None:
        await self.send_text(json.dumps(frame))

    async def send_text(self, data: str | bytes) -> None:
        await self._line.send(data)

    async def until(self, wanted: Callable[[Frame], Any], *, since: int = 0, patience: float = PATIENCE) -> Frame:
        """The first wanted frame from index `since` on; TimeoutError, or ConnectionError when the line breaks."""
        at = since
        async with asyncio.timeout(patience), self._news:
            while True:
                for frame in itertools.islice(self.frames, at, None):
                    at += 1
                    if wanted(frame):
                        return frame
                if self._line is None:
                    raise ConnectionError(self.frames[-1])
                await self._news.wait()

    # What a customer does

    async def ask(self, text: str, client_id: str | None = None) -> str:
        """Sends a message; returns its client_id."""
        client_id = client_id or f"c{next(self.ids)}-{time.time_ns()}"
        frame = {"type": "message.send", "client_id": client_id, "conversation": self.conversation, "text": text}
        self.outbox[client_id] = frame
        await self.send(**frame)
        return client_id

    async def say(self, text: str, *, patience: float = PATIENCE) -> Frame:
        """Sends a message and returns the frame that ends its reply, or the error that refuses it."""
        at, client_id = len(self.frames), await self.ask(text)
        over = lambda frame: frame["type"] == "error" or self.end_of(client_id) is not None  # noqa: E731 (asked again and again)
        last = await self.until(over, since=at, patience=patience)
        return last if last["type"] == "error" else self.end_of(client_id) or last

    async def resume(self, after: int | None = None) -> None:
        after = self.last if after is None else after
        await self.send(type="conversation.resume", conversation=self.conversation, after=after)

    async def error(self, **frame: Any) -> Frame:
        """Sends a frame and returns the `error` that answers it."""
        at = len(self.frames)
        await self.send(**frame)
        return await self.until(lambda frame: frame["type"] == "error", since=at)

    async def see_through(self, client_id: str, base: Callable[[], str], patience: float) -> Frame:
        """Comes back however often the line breaks, until the reply to a message of theirs has ended."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            try:
                if self._line is None:
                    await self.come_back(base())
                await self.until(lambda _: self.end_of(client_id), patience=max(0.1, deadline - time.monotonic()))
            except BROKEN:
                await self.cut(rudely=True)
                await asyncio.sleep(0.3)
            end = self.end_of(client_id)
            if end:
                return end
            if client_id in self.outbox and self.frames[-1].get("code") == "unavailable":
                await self.cut()
        raise TimeoutError(f"no end of {client_id} of {self.conversation} in {patience:.0f} s: {self.told}")

    # What they know

    @property
    def connected(self) -> bool:
        return self._line is not None

    @property
    def told(self) -> list[str]:
        """What they were told but for the text, for the message of a failing test."""
        return [
            str({**frame, "type": frame["type"]})[:160] for frame in self.frames if frame["type"] != "message.delta"
        ]

    @property
    def last(self) -> int:
        """The number of the last frame they saw."""
        return max((frame["seq"] for frame in self.frames if "seq" in frame), default=0)

    def question(self, client_id: str) -> str | None:
        """The id that the server gave a message of theirs, once it was acknowledged."""
        accepted = (f for f in self.frames if f["type"] == "message.accepted" and f["client_id"] == client_id)
        return next((frame["message"] for frame in accepted), None)

    def end_of(self, client_id: str) -> Frame | None:
        """The last frame that ends a reply to a message of theirs, unless another reply to it has begun."""
        question = self.question(client_id)
        replies = [f["message"] for f in self.frames if f["type"] == "run.started" and f["reply_to"] == question]
        if question is None or not replies:
            return None
        return next((f for f in self.frames if f["type"] in TERMINAL and f["message"] == replies[-1]), None)

    def seen(self, kind: str) -> list[Frame]:
        """All frames of a type."""
        return [frame for frame in self.frames if frame["type"] == kind]


@contextlib.asynccontextmanager
async def connected(base: str, tenant: str = "acme", **options: Any) -> AsyncIterator[Customer]:
    """A customer with an open socket."""
    async with Customer(tenant, **options) as someone:
        await someone.connect(base)
        yield someone


def problems(frames: Iterable[Frame]) -> list[str]:
    """Everything in the frames of one customer, over all of their sockets, that the contract forbids."""
    return _Checker().check(frames)


class _Checker:
    """Reads frames in order and keeps what each message has come to."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self.last: dict[str, int] = {}
        self.text: dict[str, str] = {}
        self.started: set[str] = set()
        self.accepted: Counter[str] = Counter()
        self.questions: set[str] = set()
        self.ended: Counter[str] = Counter()

    def check(self, frames: Iterable[Frame]) -> list[str]:
        for frame in frames:
            self._number(frame)
            read = getattr(self, "_" + frame["type"].replace(".", "_"), None)
            if read:
                read(frame)
            if frame.get("message") in self.ended and frame["type"] in ("message.delta", "message.reset", "run.step"):
                self.found.append(f"{frame['type']} after the end of {frame['message']}")
        self.found += [f"{count} ends of {message}" for message, count in self.ended.items() if count > 1]
        self.found += [f"{name} acknowledged {count} times" for name, count in self.accepted.items() if count > 1]
        return self.found + [f"no end of {message}" for message in self.started - self.ended.keys()]

    def _number(self, frame: Frame) -> None:
        kind = frame["type"]
        if kind not in NUMBERED | WITHOUT_NUMBER:
            self.found.append(f"a frame of the unknown type {kind}")
        if (kind in WITHOUT_NUMBER and "seq" in frame) or (kind in NUMBERED and type(frame.get("seq")) is not int):
            self.found.append(f"a wrong number: {frame}")
        elif kind in NUMBERED:
            name, seq = frame["conversation"], frame["seq"]
            if seq != self.last.get(name, 0) + 1:
                self.found.append(f"number {seq} after {self.last.get(name, 0)} ({kind})")
            self.last[name] = seq

    def _message_accepted(self, frame: Frame) -> None:
        self.accepted[frame["client_id"]] += 1
        self.questions.add(frame["message"])

    def _run_started(self, frame: Frame) -> None:
        if frame["message"] in self.started or frame["reply_to"] not in self.questions:
            self.found.append(f"{frame['message']} began twice, or answers nothing")
        self.started.add(frame["message"])

    def _message_delta(self, frame: Frame) -> None:
        if frame["message"] not in self.started or not frame["text"]:
            self.found.append(f"a delta before its reply began, or without text: {frame}")
        self.text[frame["message"]] = self.text.get(frame["message"], "") + frame["text"]

    def _message_reset(self, frame: Frame) -> None:
        self.text[frame["message"]] = ""

    def _message_done(self, frame: Frame) -> None:
        self.ended[frame["message"]] += 1
        if frame["text"] != self.text.get(frame["message"], ""):
            self.found.append(f"the deltas of {frame['message']} are not its text")

    def _message_failed(self, frame: Frame) -> None:
        self.ended[frame["message"]] += 1
        if type(frame["retryable"]) is not bool or not frame["text"]:
            self.found.append(f"a failure that says nothing: {frame}")
