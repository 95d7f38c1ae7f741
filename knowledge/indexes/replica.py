"""Each tenant's snapshot in this process: loaded when first asked for, kept up to date, dropped when memory runs short.

PostgreSQL is the truth. A snapshot shows the knowledge at one version; readers use it without a lock while the next one
is made, and what they find in it is fetched from the database by id before anybody sees it. That fetch tells the
version, too, so a change is noticed by the very next question in every process, without anything to listen to.

Snapshots are kept on disk as well (`storage`) and mapped from there, so a process has them at once after its start, and
of several processes on a machine each holds little more than what changed since.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from django.conf import settings
from django.db import connections
from django.db.models import Count, Sum

from knowledge.changes import validity_is_recorded
from knowledge.embedding.serving import serving_embedder, serving_name
from knowledge.indexes import heap, storage
from knowledge.indexes.packing import held_bytes
from knowledge.indexes.rows import HAS_FAISS, empty_snapshot, read_rows
from knowledge.indexes.storage import Purpose
from knowledge.queries import changes_since, knowledge_version, retrievable_chunks, today
from tenants.models import Tenant
from tenants.scope import current_tenant_id, tenant_scope

if TYPE_CHECKING:
    import datetime as dt

    from django.db.models import QuerySet

    from knowledge.indexes.snapshot import Snapshot
    from knowledge.models import Chunk


AT_ONCE = 1_000  # chunks that the first query waits for (about .3 s); a larger tenant is loaded behind it
CHANGES_AT_ONCE = 300  # changed documents, and chunks in them, that a query applies itself
MOST_CHANGES = 0.5  # share of a snapshot beyond which it is loaded anew
BYTES_PER_CHUNK = 3_000  # about, in memory: tells beforehand what cannot fit
STORED_FROM = 200  # chunks; fewer are read from the database in less than a tenth of a second
STORED_AGAIN = 0.1  # share of a snapshot's rows that have come since it was stored
STORE_EVERY = 600.0  # seconds after which a snapshot that holds much memory is stored again anyway
MUCH = 32 << 20  # bytes
PATIENCE = 0.5  # seconds that a query waits for another to apply changes, before pgvector serves it
RETRY_AFTER = 60.0  # seconds until what failed, or did not fit, is tried again

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Entry:
    """What is known of one tenant; `lock` is held by the one thread that makes the next snapshot.

    Attributes:
        held: bytes of memory that the snapshot takes.
        loaded_rows: how many it had when its language was judged.
        stored_rows: how many its file has; 0 without one.
        stored_at: when it was written, by the monotonic clock.
        busy: whether a thread in the background is to make the next one.
        retry_at: the moment of the monotonic clock before which it is not tried again.
        day: up to which beginnings and ends of validity were announced.
    """

    lock: threading.Lock = field(default_factory=threading.Lock)
    snapshot: Snapshot | None = None
    held: int = 0
    loaded_rows: int = 0
    stored_rows: int = 0
    stored_at: float = 0.0
    busy: bool = False
    retry_at: float = 0.0
    day: dt.date | None = None


class Replicas:
    """The snapshots of this process, by tenant."""

    def __init__(self) -> None:
        self._entries: OrderedDict[int, _Entry] = OrderedDict()
        self._guard = threading.Lock()
        self._background = ThreadPoolExecutor(1, thread_name_prefix="replica")
        self._storing = ThreadPoolExecutor(1, thread_name_prefix="snapshot")

    def get(self, tenant_id: int) -> Snapshot | None:
        """The tenant's snapshot, which may be behind; None while a large one is being loaded, or without FAISS.

        Needs no tenant scope: opens its own for what it must read.
        """
        if not _in_use():
            return None
        entry = self._entry(tenant_id)
        if entry.day != today():  # what begins or ends today is found by nobody who waits for the worker to say so
            with tenant_scope(tenant_id):
                entry.day = today() if validity_is_recorded() else None
        snapshot = entry.snapshot
        if snapshot is not None and snapshot.model == serving_name(tenant_id):
            return snapshot
        return self._first(tenant_id, entry)

    def load(self, tenant_id: int) -> Snapshot | None:
        """The tenant's snapshot as of now, however long it takes; None without FAISS, or where it does not fit.

        Opens its own scope.
        """
        if not _in_use():
            return None
        entry = self._entry(tenant_id)
        with entry.lock:
            return self._loaded(tenant_id, entry)

    def refresh(self, tenant_id: int, behind: Snapshot) -> Snapshot | None:
        """What to use instead of a snapshot that the database has moved on from; needs the tenant's scope.

        A few changed documents are applied here and now. When there are many, that happens in the background and None
        says that pgvector must serve meanwhile.
        """
        entry = self._entry(tenant_id)
        if entry.busy or not entry.lock.acquire(timeout=PATIENCE):
            return None
        try:
            snapshot = entry.snapshot or behind
            following = _advanced(snapshot, entry.loaded_rows) if _changed_little(snapshot) else None
            if following is None and not _is_small():
                self._submit(tenant_id, entry)
                return None
            self._keep(tenant_id, entry, self._anew(tenant_id, entry) if following is None else following)
            return entry.snapshot
        finally:
            entry.lock.release()

    def forget(self, tenant_id: int) -> None:
        """Drop the tenant's snapshot."""
        with self._guard:
            self._entries.pop(tenant_id, None)

    def held(self) -> int:
        """Bytes of memory that all snapshots take, mapped files apart."""
        with self._guard:
            return sum(entry.held for entry in self._entries.values())

    def settle(self) -> None:
        """Returns once nothing is being loaded or stored any more."""
        while any(entry.busy for entry in list(self._entries.values())):
            self._background.submit(bool).result()
        self._storing.submit(bool).result()

    def _entry(self, tenant_id: int) -> _Entry:
        with self._guard:
            entry = self._entries.setdefault(tenant_id, _Entry())
            self._entries.move_to_end(tenant_id)
            return entry

    def _first(self, tenant_id: int, entry: _Entry) -> Snapshot | None:
        if entry.busy or time.monotonic() < entry.retry_at:
            return None
        with tenant_scope(tenant_id):
            small = _is_small()
        if not small:
            self._submit(tenant_id, entry)
        elif entry.lock.acquire(timeout=PATIENCE):
            try:
                return self._loaded(tenant_id, entry)
            finally:
                entry.lock.release()
        return None

    def _loaded(self, tenant_id: int, entry: _Entry) -> Snapshot | None:
        with tenant_scope(tenant_id):
            self._bring_up(tenant_id, entry)
        return entry.snapshot

    def _submit(self, tenant_id: int, entry: _Entry) -> None:
        entry.busy = True
        self._background.submit(self._in_background, tenant_id, entry)

    def _in_background(self, tenant_id: int, entry: _Entry) -> None:
        try:
            with entry.lock, tenant_scope(tenant_id):
                self._bring_up(tenant_id, entry)
        except Exception:  # whatever it is, pgvector goes on serving and a later query tries again
            log.exception("The replica of tenant %s could not be loaded", tenant_id)
            entry.retry_at = time.monotonic() + RETRY_AFTER
        finally:
            entry.busy = False
            connections.close_all()  # of this thread

    def _bring_up(self, tenant_id: int, entry: _Entry) -> None:
        """Makes the entry's snapshot that of now: from the one before, from the disk, or from the rows."""
        purpose = purpose_of(tenant_id)
        snapshot, stored = entry.snapshot, False
        if snapshot is None or snapshot.model != purpose.model:
            snapshot, stored = self._stored(entry, purpose), True
        following = _advanced(snapshot, entry.loaded_rows) if snapshot is not None else None
        if stored and following is not None and not _is_complete(following):
            following = None  # the file is of another database, or of this one before it was put back
        if stored and following is None:
            storage.delete(tenant_id)  # else it would pass for this database's once that has come to the same version
        self._keep(tenant_id, entry, self._anew(tenant_id, entry) if following is None else following)

    def _stored(self, entry: _Entry, purpose: Purpose) -> Snapshot | None:
        snapshot = storage.load(purpose)
        entry.loaded_rows = entry.stored_rows = 0 if snapshot is None else len(snapshot.live)
        return snapshot

    def _anew(self, tenant_id: int, entry: _Entry) -> Snapshot | None:
        """From the rows; None where they would not fit into memory."""
        version = knowledge_version()  # before the rows: what changes meanwhile has a later version
        count = retrievable_chunks().count()
        if count * BYTES_PER_CHUNK > _cap():
            self._refuse(tenant_id, entry, count * BYTES_PER_CHUNK)
            return None
        rows = read_rows(retrievable_chunks())
        entry.loaded_rows, entry.stored_rows = len(rows), 0
        return replace(empty_snapshot(rows).grown(rows), version=version)

    def _keep(self, tenant_id: int, entry: _Entry, snapshot: Snapshot | None) -> None:
        """Puts the snapshot into use, in place of the least recently used ones where memory is short."""
        if snapshot is entry.snapshot:
            return
        entry.snapshot, entry.held = snapshot, 0 if snapshot is None else held_bytes(snapshot)
        with self._guard:
            held = sum(other.held for other in self._entries.values())
            for other in self._entries.values():
                if held > _cap() and other is not entry:
                    held -= other.held
                    other.snapshot, other.held = None, 0
        if snapshot is not None and _is_worth_storing(snapshot, entry):
            entry.stored_rows, entry.stored_at = len(snapshot.live), time.monotonic()
            self._storing.submit(self._store, entry, purpose_of(tenant_id), snapshot)

    def _store(self, entry: _Entry, purpose: Purpose, snapshot: Snapshot) -> None:
        """Writes a snapshot to disk and goes on with the file's pages instead of memory of its own."""
        try:
            if storage.stored_version(purpose.tenant) >= snapshot.version or storage.save(purpose, snapshot):
                self._map(entry, purpose, snapshot)
            if entry.held > _cap():
                self._refuse(purpose.tenant, entry, entry.held)
            if not Tenant.objects.filter(pk=purpose.tenant).exists():  # deleted meanwhile
                storage.delete(purpose.tenant)
        except Exception:  # a process can do without
            log.exception("The passages of tenant %s could not be kept on disk", purpose.tenant)
        finally:
            heap.give_back()
            connections.close_all()  # of this thread

    def _map(self, entry: _Entry, purpose: Purpose, snapshot: Snapshot) -> None:
        mapped = storage.load(purpose)
        if mapped is None or mapped.version != snapshot.version or not _have_the_same(mapped, snapshot):
            return
        with entry.lock:
            if entry.snapshot is snapshot:
                entry.snapshot, entry.held = mapped, held_bytes(mapped)

    def _refuse(self, tenant_id: int, entry: _Entry, needed: int) -> None:
        """Leaves a tenant to pgvector for a while: loading what cannot stay would go on for ever."""
        log.warning(
            "The passages of tenant %s need about %d MB, and ASKWELL_INDEX_MEMORY allows %d: pgvector searches them.",
            tenant_id,
            needed >> 20,
            _cap() >> 20,
        )
        entry.snapshot, entry.held, entry.retry_at = None, 0, time.monotonic() + RETRY_AFTER


replicas = Replicas()


def purpose_of(tenant_id: int) -> Purpose:
    """What the tenant's snapshots are made for now; a file of another model or language is of no use."""
    embedder = serving_embedder(tenant_id)
    language = Tenant.objects.values_list("language", flat=True).get(pk=tenant_id)
    return Purpose(tenant_id, embedder.name, embedder.dimensions, language)


def _in_use() -> bool:
    return HAS_FAISS and settings.ASKWELL_INDEX != "pgvector"


def _cap() -> int:
    """Bytes of snapshots that a process may hold."""
    return int(settings.ASKWELL_INDEX_MEMORY) << 20


def _is_small() -> bool:
    """Whether the tenant is so small now, whatever it was, that a query can load it."""
    return _are_at_most(AT_ONCE, retrievable_chunks())


def _changed_little(snapshot: Snapshot) -> bool:
    """Whether the documents that changed since are so few, and so small, that a query can apply them."""
    _, changed = changes_since(snapshot.version)
    chunks = retrievable_chunks().filter(document__in=changed)
    return len(changed) <= CHANGES_AT_ONCE and _are_at_most(CHANGES_AT_ONCE, chunks)


def _are_at_most(most: int, chunks: QuerySet[Chunk]) -> bool:
    return chunks.order_by()[: most + 1].count() <= most


def _advanced(snapshot: Snapshot, loaded_rows: int) -> Snapshot | None:
    """The snapshot as of now; None where it must be loaded anew.

    That is where its rows, or the statistics of its rows, have become other ones, and where it knows what the database
    does not know yet, which was then put back to an earlier state.
    """
    version, changed = changes_since(snapshot.version)
    if version == snapshot.version:
        return snapshot
    if version < snapshot.version or snapshot.model != serving_name(current_tenant_id()):
        return None
    if len(changed) > max(MOST_CHANGES * len(snapshot), AT_ONCE):
        return None
    rows = read_rows(retrievable_chunks().filter(document__in=changed))
    if rows and len(rows[0].paragraph) != snapshot.dimensions:  # the first vectors of a model, or its last ones
        return None
    following = snapshot.without(changed).grown(rows)
    if following.worn or len(following) > 2 * loaded_rows:
        return None
    return replace(following, version=version)


def _is_complete(snapshot: Snapshot) -> bool:
    """Whether the snapshot has just the chunks that the database would show; about 1 s for a million of them."""
    now = retrievable_chunks().aggregate(count=Count("pk"), total=Sum("pk"))
    return (len(snapshot), int(snapshot.chunks[snapshot.live].sum())) == (now["count"], int(now["total"] or 0))


def _have_the_same(one: Snapshot, other: Snapshot) -> bool:
    """Whether the same chunks can be found in both."""
    return np.array_equal(np.sort(one.chunks[one.live]), np.sort(other.chunks[other.live]))


def _is_worth_storing(snapshot: Snapshot, entry: _Entry) -> bool:
    rows = len(snapshot.live)
    grown = rows >= (1 + STORED_AGAIN) * entry.stored_rows
    overdue = entry.held >= MUCH and time.monotonic() - entry.stored_at >= STORE_EVERY
    return rows >= STORED_FROM and (grown or overdue)
