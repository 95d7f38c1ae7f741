"""The conversations of one web process: who watches them, which replies run here, and how both reach the database.

Replies belong to the process, not to the socket that asked: a closed socket leaves them running. `chat.upkeep` holds
the loops that log, follow, and look after processes that died.
"""

import asyncio
import contextlib
import logging
import uuid
from collections.abc import Callable, Coroutine, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

from django.db import InterfaceError, OperationalError

from chat import journal, queries, services
from chat.background import Background
from chat.framelog import SHOWN_AHEAD, Announced, Batch, Job
from chat.frames import DecideAction, Resume, SendMessage
from chat.hints import Hints
from chat.journal import Advanced, Ending
from chat.models import TAKEN_OVER
from chat.queries import Person
from chat.replies import Runner, RunningReply, agent
from chat.streams import ConversationStream, Socket, Streams
from tenants.models import Tenant
from tenants.scope import in_tenant, in_thread

log = logging.getLogger(__name__)
R = TypeVar("R")

UNAVAILABLE = (OperationalError, InterfaceError)  # thrown while the database is away, restarts, or cuts a connection
EXPECTED = (*UNAVAILABLE, queries.NotFoundError)  # errors that whoever asked is told
MOST_BEHIND = 20_000  # frames of a log that are sent again
RETRY_SECONDS = (0.1, 0.2, 0.5, 1.0)  # waits between attempts, the last one for all that follow


class AheadError(Exception):
    """A client claims frames that have never been."""


class BehindError(Exception):
    """A client asks for more of a long conversation than is sent again; its page shows the messages."""


class Hub:
    """One for each process and event loop; all methods belong to that loop."""

    def __init__(self, *, run: Runner = agent, hints: Hints | None = None) -> None:
        self.server = uuid.uuid4()
        self.doubts: dict[int, Tenant] = {}
        """Tenants of which a commit may have gone through without this process being told."""
        self.others = 0
        """How many other processes there are."""
        self.hints = hints or Hints()
        self.streams = Streams(self.hints)
        self._run = run
        self._background = Background(EXPECTED)
        self.spawn = self._background.spawn

    # What sockets ask for

    async def post(self, socket: Socket, tenant: Tenant, person: Person, frame: SendMessage) -> None:
        """Takes a customer's message and lets the socket follow its conversation.

        Raises NotFoundError, or one of UNAVAILABLE when it is unknown whether the message was taken.
        """
        new = services.NewMessage(
            frame.conversation or uuid.uuid4(), frame.conversation is None, frame.client_id, frame.text
        )
        posting = partial(services.post_message, server=self.server, tenant=tenant, person=person, message=new)
        await asyncio.shield(self.spawn(self._take(socket, tenant, new.conversation, posting)))

    async def retry(self, socket: Socket, tenant: Tenant, person: Person, message: uuid.UUID) -> None:
        """Asks the question of a reply again; raises like `post`."""
        conversation = (await in_tenant(tenant.pk, queries.find_message, person, message)).conversation_id
        posting = partial(services.retry_reply, server=self.server, tenant=tenant, person=person, message_id=message)
        await asyncio.shield(self.spawn(self._take(socket, tenant, conversation, posting)))

    async def decide(self, socket: Socket, tenant: Tenant, person: Person, frame: DecideAction) -> None:
        """Takes a customer's word on a proposed action as a message; raises like `post`."""
        conversation = (await in_tenant(tenant.pk, queries.conversation_of_action, person, frame.action)).pk
        posting = partial(services.decide, server=self.server, tenant=tenant, person=person, decision=frame)
        await asyncio.shield(self.spawn(self._take(socket, tenant, conversation, posting)))

    async def _take(
        self, socket: Socket, tenant: Tenant, conversation: uuid.UUID, posting: Callable[[], services.Posted]
    ) -> None:
        with contextlib.ExitStack() as used:
            async with self.streams.lock_of(conversation):
                with self.doubting(tenant):
                    posted = await in_thread(posting)
                    stream = used.enter_context(self.streams.using(tenant, posted.conversation, posted.base))
                    if posted.frames:
                        await self.adopt(stream, Advanced(posted.base, list(posted.frames), posted.job))
            if not posted.frames or posted.job is None:
                await self.nudge(stream, posted.server)
            await self.watch(socket, stream, posted.after)

    async def resume(self, socket: Socket, tenant: Tenant, person: Person, frame: Resume) -> None:
        """Shows a socket the frames it has missed, then those to come.

        Raises NotFoundError, AheadError, BehindError or one of UNAVAILABLE.
        """
        conversation = await in_tenant(tenant.pk, queries.find_conversation, person, frame.conversation)
        if conversation.last_seq - frame.after > MOST_BEHIND:
            raise BehindError
        with self.streams.using(tenant, conversation.pk, conversation.last_seq) as stream:
            if frame.after > max(stream.seq, conversation.last_seq) + SHOWN_AHEAD:
                raise AheadError
            if not stream.busy:
                stream.active = conversation.server is not None
                async with stream.lock:
                    if not stream.busy and stream.seq < conversation.last_seq:
                        await self._install(stream, Advanced(conversation.last_seq))
            await self.watch(socket, stream, frame.after)

    async def stop_run(self, tenant: Tenant, person: Person, message: uuid.UUID) -> None:
        """Ends a reply; NotFoundError for one that is not this person's."""
        for stream in self.streams.values():
            run = stream.run
            if run and message in (run.job.reply, run.job.question) and run.job.person == person.key:
                run.stop()
                return
        conversation, server = await in_tenant(tenant.pk, services.ask_stop, person=person, message_id=message)
        known = self.streams.get(conversation)
        if known:
            await self.nudge(known, server)
        else:
            await self.hints.send(conversation)

    async def watch(self, socket: Socket, stream: ConversationStream, after: int) -> None:
        """Lets a socket follow a conversation from after a number; one that follows it already goes on where it is."""
        if socket in stream.sockets:
            stream.attach(socket, max(after, stream.sockets[socket]))
            return
        while after < stream.base:
            frames = await in_tenant(stream.tenant.pk, queries.read_frames, stream.conversation, after)
            if not frames:
                log.error("The log of %s has no frame after %s", stream.conversation, after)
                break
            socket.push(frames)
            after += len(frames)
            if not await socket.drained():
                return
        if not socket.closed:  # it may have been, while its frame was at work
            stream.attach(socket, after)
            if stream.run:
                stream.run.show_html()

    def leave(self, socket: Socket) -> None:
        """Lets a closed socket go; replies under way go on."""
        for stream in list(self.streams.values()):
            stream.detach(socket)
            self.streams.forget_if_idle(stream)

    # Conversations

    @contextlib.contextmanager
    def doubting(self, tenant: Tenant) -> Iterator[None]:
        """Has it looked up what this process is to run, should the database go away meanwhile."""
        try:
            yield
        except UNAVAILABLE:
            self.doubts[tenant.pk] = tenant
            raise

    async def nudge(self, stream: ConversationStream, server: uuid.UUID | None) -> None:
        """Sees to it that whoever runs a conversation looks at what is new in it."""
        if server is None:
            return
        if server != self.server:
            stream.active = not stream.busy
            await self.hints.send(stream.conversation)
        elif stream.busy:
            await self.look(stream)
        else:
            await self.advance(stream)

    async def look(self, stream: ConversationStream) -> None:
        """Tells what others left while a reply runs here, and stops it if another process was asked to.

        Looks until the database answers: a look whose answer is lost has taken down the flag that asks for one.
        """
        await self._patiently(stream, lambda: self._look(stream))

    async def _look(self, stream: ConversationStream) -> None:
        run = stream.run
        if run is None or stream.sealed:
            return  # the end of the reply looks by itself
        stream.waiting = True  # for a reply that ends meanwhile: it goes on to what is found here
        waiting = await in_tenant(stream.tenant.pk, journal.look, self.server, stream.conversation)
        if waiting is None:
            self.lose(stream)
            return
        if not stream.sealed:
            self._announce(stream, waiting)
            await self.write(stream.tenant.pk, [stream])
        if run.job.reply in waiting.stops:
            run.stop(TAKEN_OVER if waiting.taken else "")

    def _announce(self, stream: ConversationStream, waiting: journal.Waiting) -> None:
        stream.waiting = waiting.queued
        pending = {announced.row for announced in stream.announced}
        for item in waiting.untold:
            if item.row not in pending:
                numbers = [stream.emit(kind, durable=True, **fields) for kind, fields in item.frames]
                stream.announced.append(Announced(item.row, numbers[-1], item.notice))

    async def write(self, tenant_id: int, streams: Sequence[ConversationStream]) -> None:
        """Logs what is new in those of a tenant's conversations whose reply goes on here; their locks must be held.

        The end of a reply is logged with its row. While the database is away everything stays for the next time.
        """
        try:
            for stream in streams:
                if stream.doubtful:
                    await self._settle_doubt(stream)
            batches = {s: s.batch() for s in streams if s.run and not s.sealed}  # not one that ended during the above
            mine = await in_tenant(tenant_id, journal.write_frames, self.server, list(batches.values()))
        except UNAVAILABLE:
            for stream in streams:
                stream.doubtful = True
            return
        for stream, batch in batches.items():
            if batch.conversation not in mine:
                self.lose(stream)
                continue
            self._logged(stream, batch)
            if mine[batch.conversation]:
                self.spawn(self.look(stream))

    def _logged(self, stream: ConversationStream, batch: Batch) -> None:
        stream.announced = stream.announced[len(batch.announced) :]
        stream.confirm(batch.last)
        self._tell(stream)

    def _tell(self, stream: ConversationStream) -> None:
        """Hints to other processes that the log has more."""
        if self.others and self.hints.available:
            self.spawn(self.hints.send(stream.conversation))

    async def _settle_doubt(self, stream: ConversationStream) -> bool:
        """Learns what became of a commit without an answer; returns whether the conversation still runs here.

        Where it does, numbers past those of this stream are of a message that this process took without being told.
        Where it does not, they may be those of a process that took over, and tell of something else.
        """
        last, mine = await in_tenant(stream.tenant.pk, journal.position, self.server, stream.conversation)
        last = min(last, stream.seq) if mine else last
        if stream.flushed < last and (mine or last == stream.seq):
            stream.announced = [a for a in stream.announced if a.seq > last]
            stream.confirm(last)
        stream.doubtful = False
        return mine

    def lose(self, stream: ConversationStream) -> None:
        """Gives up a conversation that another process has taken over, and follows it from now on."""
        log.warning("Conversation %s was taken over by another process", stream.conversation)
        if stream.run:
            stream.run.cancel()
        stream.run = None
        stream.abandon()
        stream.active = True

    # Replies

    async def adopt(self, stream: ConversationStream, advanced: Advanced) -> None:
        """Goes on with a conversation that no process had, or a dead one; its lock must be held."""
        if stream.busy:  # with a reply that ended, or was taken over, without this process being told
            self.lose(stream)
        await self._install(stream, advanced)

    async def advance(self, stream: ConversationStream) -> None:
        """Goes on with a conversation that is this process's own but where it runs nothing; one of UNAVAILABLE."""
        with self.streams.using(stream.tenant, stream.conversation, stream.seq) as known:
            async with known.lock:
                if not known.busy:
                    with self.doubting(known.tenant):
                        await self._install(known, await self._advanced(known))

    async def _advanced(self, stream: ConversationStream) -> Advanced | None:
        tenant = stream.tenant
        return await in_tenant(tenant.pk, journal.advance, self.server, tenant, stream.conversation)

    async def _install(self, stream: ConversationStream, advanced: Advanced | None) -> None:
        """Shows frames that are in the log now, and begins the reply that comes with them; the lock must be held."""
        if advanced is None:
            return
        frames = advanced.frames[max(0, stream.seq - advanced.base) :]
        if stream.seq < advanced.base:
            frames = await self._missing(stream, advanced)
        stream.trim()
        stream.install(frames)
        self._tell(stream)
        if advanced.job:
            stream.busy, stream.active = True, False
            self.spawn(self._serve(stream, advanced.job))
        elif not stream.busy:
            stream.trim()
            self.streams.forget_if_idle(stream)

    async def _missing(self, stream: ConversationStream, advanced: Advanced) -> list[str]:
        """Frames that other processes have logged since this one last knew the conversation, and the new ones."""
        frames: list[str] = []
        while (at := stream.seq + len(frames)) < advanced.base:
            frames += await in_tenant(stream.tenant.pk, queries.read_frames, stream.conversation, at)
        return [*frames, *advanced.frames[at - advanced.base :]]

    async def _serve(self, stream: ConversationStream, job: Job) -> None:
        """Runs a reply, then those that wait behind it."""
        following: Job | None = job
        while following:
            run = stream.run = RunningReply(stream, following)
            run.task = asyncio.ensure_future(run.play(self._run))
            try:
                ending = await run.task
            except asyncio.CancelledError:
                if stream.run is run:
                    raise  # the process ends; another one will find the reply
                return
            following = await self._end(stream, run, ending)

    async def _end(self, stream: ConversationStream, run: RunningReply, ending: Ending) -> Job | None:
        more = await self._patiently(stream, lambda: self._finish(stream, run, ending))
        if stream.run is not run:
            return None
        stream.run, stream.sealed = None, False
        if not more:
            return None
        return await self._patiently(stream, lambda: self._go_on(stream))

    async def _finish(self, stream: ConversationStream, run: RunningReply, ending: Ending) -> bool:
        """Logs the end of a reply; returns whether others wait."""
        if stream.run is not run:
            return False
        go_on: bool | None = await self._settle_doubt(stream) if stream.doubtful else True
        if stream.ahead:
            batch = stream.batch()
            finish = journal.finish_reply
            go_on = await in_tenant(stream.tenant.pk, finish, self.server, batch, ending, more=stream.waiting)
            if go_on is None:
                self.lose(stream)
                return False
            self._logged(stream, batch)
        stream.waiting = False
        if not go_on:
            stream.run, stream.busy, stream.sealed = None, False, False
            stream.trim()
            self.streams.forget_if_idle(stream)
        return bool(go_on)

    async def _go_on(self, stream: ConversationStream) -> Job | None:
        """Begins the next reply of a conversation; None when there is none after all."""
        if stream.run:
            return None  # of a message that came between two attempts
        advanced = await self._advanced(stream)
        if advanced is None:
            self.lose(stream)
            return None
        stream.busy = advanced.job is not None
        await self._install(stream, Advanced(advanced.base, advanced.frames))
        stream.doubtful = False
        return advanced.job

    async def _patiently(self, stream: ConversationStream, attempt: Callable[[], Coroutine[Any, Any, R]]) -> R:
        """Attempts a change of a conversation under its lock until the database is there."""
        tries = 0
        while True:
            async with stream.lock:
                try:
                    return await attempt()
                except UNAVAILABLE as error:
                    log.warning("The database is away, trying again: %s", error)
                    stream.doubtful = True
            await asyncio.sleep(RETRY_SECONDS[min(tries, len(RETRY_SECONDS) - 1)])
            tries += 1

    async def close(self) -> None:
        """Breaks everything off, as the end of the process would."""
        await self._background.close()
