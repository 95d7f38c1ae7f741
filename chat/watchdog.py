"""Replies that show no progress: their customer is told, and a person is called. Once a reply.

It goes by what this process shows, so it needs neither the agent nor the database to notice. A process that is itself
blocked or dead is taken over from by the others (`chat.upkeep`), and the customer hears of that.
"""

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from agents.models import AnswerPolicy
from chat import handover
from chat.replies import RunningReply
from chat.streams import ConversationStream
from tenants.scope import in_tenant

if TYPE_CHECKING:
    from chat.hub import Hub

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5  # between two looks at the replies under way
QUIET_SECONDS = 1.0  # of silence from which on anybody asks how patient the tenant is
REMEMBERED = 5.0  # seconds for which that is taken to be what it was
TRY_AGAIN = 1.0  # seconds, while the database is away
PATIENCE = float(AnswerPolicy().progress_seconds)  # of a tenant that is not known yet


class Watchdog:
    """Looks after the replies of one process; `look` neither waits nor raises."""

    def __init__(self, hub: "Hub") -> None:
        self._hub = hub
        self._known: dict[int, tuple[float, float]] = {}
        """Until when it is taken for granted, and the patience, by tenant."""

    def look(self) -> None:
        """Sees to every reply that has been silent for too long."""
        for stream in list(self._hub.streams.values()):
            run = stream.run
            if run is None or stream.sealed or run.slow or run.silence < QUIET_SECONDS:
                continue
            if run.silence >= self._patience(stream.tenant.pk):
                log.warning("Reply %s shows no progress: a person is called", run.reply)
                run.tell_slow()
                self._hub.spawn(self._call(stream, run))

    def _patience(self, tenant_id: int) -> float:
        """Seconds that a tenant lets a reply be silent, as far as is known: the answer may come with a later look."""
        until, seconds = self._known.get(tenant_id, (0.0, PATIENCE))
        if until <= time.monotonic():
            self._known[tenant_id] = time.monotonic() + REMEMBERED, seconds
            self._hub.spawn(self._ask(tenant_id))
        return seconds

    async def _ask(self, tenant_id: int) -> None:
        seconds = await in_tenant(tenant_id, _progress_seconds)
        self._known[tenant_id] = time.monotonic() + REMEMBERED, seconds

    async def _call(self, stream: ConversationStream, run: RunningReply) -> None:
        """Puts the conversation into the inbox, as soon as the database is there, and has the customer's page told."""
        from chat.hub import UNAVAILABLE

        while True:
            try:
                await in_tenant(stream.tenant.pk, handover.call_for_reply, reply=run.job.reply)
            except UNAVAILABLE:
                await asyncio.sleep(TRY_AGAIN)
            else:
                break
        run.called = True
        if stream.run is run:
            await self._hub.look(stream)


def _progress_seconds() -> float:
    row: AnswerPolicy | None = AnswerPolicy.objects.only("progress_seconds").first()
    return float((row or AnswerPolicy()).progress_seconds)
