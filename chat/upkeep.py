"""What a web process does all the time: log the frames of its replies, follow those of others, live, bury the dead."""

import asyncio
import logging
import time
import uuid
from collections import defaultdict
from weakref import WeakKeyDictionary

from channels.layers import get_channel_layer
from django.conf import settings

from agents.llm import breaker
from chat import journal, processes, queries
from chat.hints import Hints
from chat.hub import UNAVAILABLE, Hub
from chat.models import Handler
from chat.processes import BEAT_SECONDS, DEAD_AFTER
from chat.streams import ConversationStream
from chat.watchdog import LOOK_SECONDS, Watchdog
from tenants.models import Tenant
from tenants.scope import in_tenant, in_thread

log = logging.getLogger(__name__)

FLUSH_SECONDS = 0.2  # between two writes of the log
FLUSHES_PER_LOOK = 5  # every so many writes include conversations without new frames, to see who wants attention
FOLLOW_SECONDS = 0.25  # between two looks at conversations whose reply runs elsewhere
SWEEP_SECONDS = 60.0  # between two looks for conversations of dead processes while nobody is known to have died
PROVIDERS_SECONDS = 1.0  # between two looks at how the providers of models are doing
FOLLOWS_PER_LOOK = 8  # every so many looks include conversations that were quiet


class Upkeep:
    """The loops of a hub. `start` returns once the process is known to the others and has seen to what they left."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.watchdog = Watchdog(hub)
        self._beat_at = self._regular_since = float("-inf")
        self._swept_at = self._dying_until = float("-inf")
        self._loops: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begins all loops; the first beat is tried once, and again by the loop when the database is away."""
        await self._live()
        loops = (
            self._flush_forever(),
            self._follow_forever(),
            self._live_forever(),
            self._watch_forever(),
            self._watch_providers_forever(),
            self.hub.hints.listen(self._heard),
        )
        self._loops = [asyncio.ensure_future(loop) for loop in loops]

    async def close(self, *, forget: bool = True) -> None:
        """Ends all loops and replies; a process that says good-bye is taken over at once."""
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        await self.hub.close()
        if forget:
            await in_thread(processes.forget, [self.hub.server])

    async def _flush_forever(self) -> None:
        turn = 0
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            turn += 1
            try:
                await self.flush(everything=turn % FLUSHES_PER_LOOK == 0)
            except Exception:  # the loop must outlive whatever one write throws
                log.exception("Frames could not be logged")

    async def flush(self, *, everything: bool = False) -> None:
        """Logs what is new in the conversations that run here, a transaction for each tenant."""
        groups: dict[int, list[ConversationStream]] = defaultdict(list)
        for stream in self.hub.streams.values():
            if stream.run and not stream.sealed and not stream.lock.locked() and (stream.ahead or everything):
                groups[stream.tenant.pk].append(stream)
        for tenant_id, group in groups.items():
            held = []
            try:
                for stream in group:
                    if not stream.lock.locked():
                        await stream.lock.acquire()
                        held.append(stream)
                await self.hub.write(tenant_id, held)
            finally:
                for stream in held:
                    stream.lock.release()

    async def _follow_forever(self) -> None:
        turn = 0
        while True:
            await asyncio.sleep(FOLLOW_SECONDS)
            turn += 1
            quiet_too = turn % FOLLOWS_PER_LOOK == 0  # a worker or a person may have something to tell
            streams = [s for s in self.hub.streams.values() if not s.busy and s.sockets and (s.active or quiet_too)]
            try:
                await self.follow(streams)
            except UNAVAILABLE:
                continue
            except Exception:  # the loop must outlive whatever one look throws
                log.exception("Frames could not be read")

    async def follow(self, streams: list[ConversationStream]) -> None:
        """Shows what other processes have logged of conversations that do not run here."""
        groups: dict[int, list[ConversationStream]] = defaultdict(list)
        for stream in streams:
            groups[stream.tenant.pk].append(stream)
        for tenant_id, group in groups.items():
            positions = {s.conversation: s.seq for s in group}
            news = await in_tenant(tenant_id, queries.read_news, positions)
            for stream in group:
                found = news.get(stream.conversation)
                untouched = not stream.busy and stream.seq == positions[stream.conversation]
                if found and untouched and not stream.lock.locked():
                    stream.install(found.frames)
                    stream.trim()
                    people = found.handled_by != Handler.BOT
                    stream.active = people or found.server not in (None, self.hub.server)

    async def _heard(self, conversation: uuid.UUID) -> None:
        stream = self.hub.streams.get(conversation)
        try:
            if stream and stream.busy:
                await self.hub.look(stream)
            elif stream:
                await self.follow([stream])
        except UNAVAILABLE:
            return

    async def _live_forever(self) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            try:
                await self._live()
            except Exception:  # the heart must go on beating whatever one beat throws
                log.exception("A heartbeat failed")

    async def _watch_providers_forever(self) -> None:
        """Keeps what other processes know of the models' providers at hand, so that no reply has to look it up."""
        while True:
            await breaker.shared().refresh()
            await asyncio.sleep(PROVIDERS_SECONDS)

    async def _live(self) -> None:
        """One beat: says that this process lives, takes over from those that do not, settles its own doubts."""
        try:
            census = await in_thread(processes.beat, self.hub.server)
            now = time.monotonic()
            if now - self._beat_at > 2 * BEAT_SECONDS:
                self._regular_since = now  # the database was away: the others need time to beat again, too
            self._beat_at, self.hub.others = now, census.others
            dead = census.gone + (census.silent if now - self._regular_since > DEAD_AFTER else [])
            if dead:
                self._swept_at, self._dying_until = float("-inf"), now + DEAD_AFTER
                await in_thread(processes.forget, dead)
            if now < self._dying_until or now - self._swept_at > SWEEP_SECONDS:
                await self.take_over()
                self._swept_at = now
            await self._settle_doubts()
        except UNAVAILABLE as error:
            log.warning("The database is away: %s", error)

    async def _watch_forever(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                self.watchdog.look()
            except Exception:  # the loop must outlive whatever one look throws
                log.exception("Replies could not be looked after")

    async def take_over(self) -> None:
        """Goes on with every conversation whose process is gone.

        One look may miss some: what the dead process sent last is still being committed, and locks its rows. So there
        are looks for a while after each death, and now and then for whatever was missed even so.
        """
        for tenant in await in_thread(lambda: list(Tenant.objects.all())):
            for conversation in await in_tenant(tenant.pk, journal.lost_conversations, self.hub.server):
                await self._adopt(tenant, conversation)

    async def _adopt(self, tenant: Tenant, conversation: uuid.UUID) -> None:
        hub = self.hub
        async with hub.streams.lock_of(conversation):
            with hub.doubting(tenant):
                advanced = await in_tenant(tenant.pk, journal.take_over, hub.server, tenant, conversation)
                if advanced:
                    with hub.streams.using(tenant, conversation, advanced.base) as stream:
                        await hub.adopt(stream, advanced)

    async def _settle_doubts(self) -> None:
        """Begins replies that are this process's own by the database's account, though it was never told."""
        hub = self.hub
        for tenant in list(hub.doubts.values()):
            del hub.doubts[tenant.pk]  # before the look: a doubt that comes meanwhile is another one
            with hub.doubting(tenant):
                for conversation in await in_tenant(tenant.pk, journal.conversations_run_by, hub.server):
                    last, mine = await in_tenant(tenant.pk, journal.position, hub.server, conversation)
                    if mine:
                        with hub.streams.using(tenant, conversation, last) as stream:
                            await hub.advance(stream)


_upkeeps: WeakKeyDictionary[asyncio.AbstractEventLoop, "asyncio.Task[Upkeep]"] = WeakKeyDictionary()


async def get_hub() -> Hub:
    """The hub of this process and event loop, started on first use."""
    loop = asyncio.get_running_loop()
    if loop not in _upkeeps:
        _upkeeps[loop] = loop.create_task(_begin())
    return (await asyncio.shield(_upkeeps[loop])).hub


async def _begin() -> Upkeep:
    layer = get_channel_layer() if settings.REDIS_URL else None
    upkeep = Upkeep(Hub(hints=Hints(layer)))
    await upkeep.start()
    return upkeep
