"""The circuit breaker: a provider that failed three times in a row is left alone; one request at a time tries it again.

All processes share what they know through PostgreSQL (see `agents.llm.health`). Each keeps a copy, so that asking about
a provider that is well costs nothing; writes follow failures, recoveries and probes, behind the reply's back. While the
database is away each process decides by its copy.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from django.utils import timezone

from agents.llm.health import (
    CLOSED,
    Health,
    after_failure,
    after_release,
    after_success,
    change,
    leased,
    read_all,
    take_probe,
    worse,
)
from tenants.scope import in_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from agents.llm.base import LLMError

    Transition = Callable[[Health], Health]

log = logging.getLogger(__name__)

FRESH = timedelta(seconds=1.5)
"""How old the copy may be before it is read again, in the background; web processes read it every second anyway."""
STALE = timedelta(seconds=10)
"""How old it may be before a request waits for it: the first one of a process, and in one that was idle."""
READ_LIMIT = 0.5
"""Seconds that such a request waits."""
TAKE_LIMIT = 2.0
"""Seconds a probe's lease is waited for; a database this slow counts as away."""
MAX_WAITING = 200
"""Changes that wait to be written."""
CUT = "The last answer was cut short."
REASONS = {
    "connect": "It cannot be reached.",
    "connection": "The connection broke.",
    "first_content": "It did not begin to answer in time.",
    "idle": "It fell silent in the middle of an answer.",
    "empty": "It answered without a word.",
    "protocol": "It does not speak the protocol of OpenAI's chat completions.",
    "error_event": "It reported an error in the middle of an answer.",
}
STATUSES = {
    400: "It refuses the requests as wrong (400).",
    401: "It refuses the key (401).",
    403: "It refuses the key (403).",
    404: "It does not know the address or the model (404).",
    422: "It refuses the requests as wrong (422).",
    429: "It takes no more requests for now (429).",
}


@dataclass(frozen=True, slots=True)
class Permit:
    """The leave to send one request; `success`, `failure` or `release` of the breaker ends it."""

    key: str
    probe: UUID | None = None


class Breaker:
    """What a process knows of its providers, by the key of each; an empty key is never kept away from."""

    def __init__(self, now: Callable[[], datetime] = timezone.now) -> None:
        """Know of no failures."""
        self._now = now
        self._known: dict[str, Health] = {}
        self._looked_at: datetime | None = None
        self._succeeded: dict[str, datetime] = {}
        self._changed: set[str] = set()
        self._unsaved: set[str] = set()
        self._waiting: deque[tuple[str, Transition]] = deque()
        self._reader: asyncio.Task[None] | None = None
        self._writer: asyncio.Task[None] | None = None

    async def allow(self, key: str) -> Permit | None:
        """Return the leave to ask a provider, None while it is to be left alone."""
        if not key:
            return Permit("")
        await self._stay_fresh()
        health, now = self._known.get(key, CLOSED), self._now()
        if not health.is_open:
            return Permit(key)
        return await self._take(key, health, now) if health.may_be_probed(now) else None

    def success(self, permit: Permit) -> None:
        """Note a complete answer."""
        if not permit.key:
            return
        now = self._succeeded[permit.key] = self._now()
        if permit.probe or permit.key in self._known:
            self._apply(permit.key, partial(after_success, now=now, probe=permit.probe))

    def failure(self, permit: Permit, error: str, wait: float | None = None) -> None:
        """Note a failure; with `wait` the provider is left alone for so many seconds."""
        if permit.key:
            transition = partial(after_failure, now=self._now(), error=error, probe=permit.probe, wait=wait)
            self._apply(permit.key, transition)

    def release(self, permit: Permit) -> None:
        """Note that a request ended without saying anything about the provider, as when the customer stops it."""
        if permit.probe:
            self._apply(permit.key, partial(after_release, probe=permit.probe))

    def health(self, key: str) -> Health:
        """Return what this process knows of a provider."""
        return self._known.get(key, CLOSED)

    async def refresh(self) -> None:
        """Read what all processes know, unless that is being done already; never raises."""
        if not _runs(self._reader):
            self._looked_at = self._now()
            self._reader = asyncio.create_task(self._read())
        assert self._reader is not None  # noqa: S101 (set above)
        await asyncio.wait({self._reader})

    async def settled(self) -> None:
        """Wait until everything so far is written, or given up."""
        while self._waiting or _runs(self._writer):
            self._write_soon()
            await asyncio.wait({self._writer} if self._writer else ())

    async def _stay_fresh(self) -> None:
        now = self._now()
        age = now - self._looked_at if self._looked_at else STALE
        if age < FRESH or _runs(self._reader):
            return
        self._looked_at = now
        self._reader = asyncio.create_task(self._read())
        if age >= STALE:
            await asyncio.wait({self._reader}, timeout=READ_LIMIT)

    async def _take(self, key: str, health: Health, now: datetime) -> Permit | None:
        """Ask for the lease of the probe; meanwhile nobody else of this process does."""
        permit = Permit(key, uuid4())
        assert permit.probe is not None  # noqa: S101 (set above)
        self._keep(key, leased(health, now, permit.probe))
        try:
            async with asyncio.timeout(TAKE_LIMIT):
                taken = await in_thread(take_probe, key, now, permit.probe)
        except asyncio.CancelledError:
            self.release(permit)  # the customer left
            raise
        except Exception as error:  # noqa: BLE001 (whatever keeps the database from answering: this process decides)
            log.warning("Probing a provider without asking the other processes: %s", error)
            return permit
        self._keep(key, taken)
        if not taken.is_open:
            return Permit(key)
        return permit if taken.probe == permit.probe else None

    def _apply(self, key: str, transition: Transition) -> None:
        self._keep(key, transition(self._known.get(key, CLOSED)))
        if len(self._waiting) < MAX_WAITING:
            self._waiting.append((key, transition))
            self._write_soon()
        else:
            self._unsaved.add(key)

    def _keep(self, key: str, health: Health) -> None:
        self._changed.add(key)
        if health.failures:
            self._known[key] = health
        else:
            self._known.pop(key, None)

    def _write_soon(self) -> None:
        if not _runs(self._writer):
            self._writer = asyncio.create_task(self._write())

    async def _write(self) -> None:
        """Write one change after the other: their order decides what three in a row are."""
        while self._waiting:
            key, transition = self._waiting[0]  # it stays there meanwhile, so that no older account takes its place
            try:
                health = await in_thread(change, key, transition)
            except Exception as error:  # noqa: BLE001 (whatever it is: the breaker must not fail a turn)
                log.warning("What is known of a provider could not be shared: %s", error)
                self._waiting.popleft()
                self._unsaved.add(key)
                continue
            self._waiting.popleft()
            if all(key != other for other, _ in self._waiting):
                self._keep(key, health)

    async def _read(self) -> None:
        self._changed.clear()
        unsaved = {key: self._known[key] for key in self._unsaved if key in self._known}
        self._unsaved.clear()
        try:
            rows = await in_thread(_read_and_merge, unsaved)
        except Exception as error:  # noqa: BLE001 (the same)
            log.warning("What others know of the providers could not be read: %s", error)
            self._unsaved |= unsaved.keys()
            return
        ahead = self._changed | {key for key, _ in self._waiting}
        for key in ahead | self._unsaved:
            rows.pop(key, None)
            if key in self._known:
                rows[key] = self._known[key]
        self._known = rows
        self._tell_of_successes()

    def _tell_of_successes(self) -> None:
        """Let go of failures of other processes that this one knew nothing of when its own requests succeeded."""
        for key, health in list(self._known.items()):
            succeeded = self._succeeded.get(key)
            if succeeded and not health.is_open and health.updated_at and health.updated_at < succeeded:
                self._apply(key, partial(_reset, succeeded=succeeded))


def _reset(health: Health, succeeded: datetime) -> Health:
    older = health.updated_at is not None and health.updated_at < succeeded
    return after_success(health, succeeded, probe=None) if older else health


def _read_and_merge(unsaved: dict[str, Health]) -> dict[str, Health]:
    """Share first what could not be shared while the database was away."""
    for key, here in unsaved.items():
        change(key, partial(worse, here))
    return read_all()


def describe(error: LLMError) -> str:
    """Return a failure in plain words, for people who look after models: nothing of what the provider said."""
    if error.status is not None:
        return STATUSES.get(error.status, f"It answered with an error ({error.status}).")
    return REASONS.get(error.kind, f"It failed ({error.kind}).")


def _runs(task: asyncio.Task[None] | None) -> bool:
    return task is not None and not task.done() and not task.get_loop().is_closed()


_shared = Breaker()


def shared() -> Breaker:
    """Return the breaker of this process."""
    return _shared
