"""A conversation as this process shows it: numbered frames in memory, and the sockets that watch them.

Where the process runs a reply itself it gives the frames their numbers here and shows them at once; the log follows.
Where another process does, the frames come from the log. Nothing here waits: it is all one event loop's.
"""

import asyncio
import contextlib
import uuid
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakValueDictionary

from chat.framelog import SHOWN_AHEAD, Announced, Batch
from chat.frames import encode, encode_numbered
from chat.hints import Hints
from tenants.models import Tenant

if TYPE_CHECKING:
    from chat.replies import RunningReply


class Socket(Protocol):
    """Where frames go; must take them without waiting."""

    wants_html: bool
    closed: bool
    """Whether nothing more can be sent: such a socket must not be shown a conversation."""

    def push(self, frames: Sequence[str]) -> None: ...

    async def drained(self) -> bool:
        """Waits until most of what was pushed is on its way; whether the socket is still open."""


class ConversationStream:
    """Frames `base`+1 to `seq` of a conversation; those to `flushed` are in the log.

    A durable frame is shown only once it is in the log, and so are the frames behind it: what tells of a message taken
    or a reply ended must not be told twice after a crash. `lock` is held by whoever changes the conversation's rows.
    """

    def __init__(self, tenant: Tenant, conversation: uuid.UUID, seq: int, lock: asyncio.Lock) -> None:
        self.tenant, self.conversation, self.name = tenant, conversation, str(conversation)
        self.base = self.seq = self.flushed = seq
        self.frames: list[str] = []
        self.sockets: dict[Socket, int] = {}
        self.users = 0
        """How many pieces of work under way need it to stay known."""
        self.run: RunningReply | None = None
        self.busy = False
        """Whether this process runs the conversation."""
        self.sealed = False
        """Whether the frame that ends the reply is out: it is logged with the reply's row, and nothing after it."""
        self.doubtful = False
        """Whether the last commit may or may not have gone through."""
        self.waiting = False
        """Whether more replies are queued behind the one that runs here."""
        self.announced: list[Announced] = []
        """Rows that frames tell of which are not in the log yet."""
        self.active = False
        """Whether others may add to the log, which is worth reading often then: a process with a reply, or a person."""
        self.lock = lock
        self._durable: list[int] = []

    @property
    def ahead(self) -> int:
        """How many frames are not in the log yet."""
        return self.seq - self.flushed

    @property
    def shown(self) -> int:
        """The number of the last frame that sockets may have."""
        last = min(self.seq, self.flushed + SHOWN_AHEAD)
        return min(last, self._durable[0] - 1) if self._durable else last

    def emit(self, frame_type: str, /, *, durable: bool = False, **fields: Any) -> int:
        """Gives a frame the next number and shows it as soon as it may be; returns the number."""
        frame = encode_numbered(self.name, self.seq + 1, frame_type, **fields)
        self.seq += 1
        self.frames.append(frame)
        if durable:
            self._durable.append(self.seq)
        self._show()
        return self.seq

    def install(self, frames: Sequence[str]) -> None:
        """Adds frames that the log already holds."""
        self.frames.extend(frames)
        self.seq += len(frames)
        self.confirm(self.seq)

    def confirm(self, upto: int) -> None:
        """Notes that the log holds the frames up to a number."""
        self.flushed = upto
        self._durable = [seq for seq in self._durable if seq > upto]
        self._show()

    def unflushed(self) -> list[str]:
        """The frames that are not in the log yet."""
        return self.frames[self.flushed - self.base :]

    def batch(self) -> Batch:
        """What is to be logged of the conversation now."""
        run = self.run
        return Batch(
            self.conversation, self.flushed + 1, self.seq, self.unflushed(),
            reply=run.job.reply if run else None, text=run.text if run else "", announced=tuple(self.announced),
        )  # fmt: skip

    def trim(self) -> None:
        """Forgets frames that the log holds."""
        del self.frames[: self.flushed - self.base]
        self.base = self.flushed

    def abandon(self) -> None:
        """Forgets frames that will never be in the log; sockets that saw them wait for the next number."""
        self.frames.clear()
        self._durable.clear()
        self.announced.clear()
        self.base = self.seq = self.flushed
        self.sealed = self.waiting = self.busy = False

    def attach(self, socket: Socket, after: int) -> None:
        """Shows a socket every frame after a number that is not below `base`, and those to come."""
        self.sockets[socket] = after
        self._catch_up(socket, after, self.shown)

    def detach(self, socket: Socket) -> None:
        """Shows a socket nothing more; harmless when it does not watch."""
        self.sockets.pop(socket, None)

    def whisper(self, frame_type: str, /, **fields: Any) -> None:
        """Sends a frame without a number, that nobody needs to get, to the sockets that asked for such."""
        frame = encode(frame_type, conversation=self.name, **fields)
        for socket in self.sockets:
            if socket.wants_html:
                socket.push((frame,))

    def _show(self) -> None:
        shown = self.shown
        for socket, position in self.sockets.items():
            if position < shown:
                self._catch_up(socket, position, shown)

    def _catch_up(self, socket: Socket, position: int, shown: int) -> None:
        if position < shown:
            socket.push(self.frames[position - self.base : shown - self.base])
            self.sockets[socket] = shown


class Streams(dict[uuid.UUID, ConversationStream]):
    """The conversations that a process knows, by id: those that somebody watches or works on, and those it runs."""

    def __init__(self, hints: Hints) -> None:
        super().__init__()
        self._hints = hints
        self._locks: WeakValueDictionary[uuid.UUID, asyncio.Lock] = WeakValueDictionary()

    def lock_of(self, conversation: uuid.UUID) -> asyncio.Lock:
        """The lock for changes to a conversation's rows from this process."""
        return self._locks.setdefault(conversation, asyncio.Lock())

    @contextlib.contextmanager
    def using(self, tenant: Tenant, conversation: uuid.UUID, seq: int) -> Iterator[ConversationStream]:
        """The conversation as it is known here, or from number `seq` on; it stays known while it is used.

        Two streams of one conversation would run its replies twice: whoever waits for something keeps hold of it.
        """
        stream = self.get(conversation)
        if stream is None:
            lock = self.lock_of(conversation)
            stream = self[conversation] = ConversationStream(tenant, conversation, seq, lock)
            self._hints.join(conversation)
        stream.users += 1
        try:
            yield stream
        finally:
            stream.users -= 1
            self.forget_if_idle(stream)

    def forget_if_idle(self, stream: ConversationStream) -> None:
        """Drops a conversation that nobody watches or uses and that does not run here."""
        idle = not (stream.sockets or stream.busy or stream.users)
        if idle and self.get(stream.conversation) is stream:
            del self[stream.conversation]
            self._hints.leave(stream.conversation)
