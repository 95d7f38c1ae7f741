"""Each tenant's snapshot in this process: loaded when first asked for, kept up to date, dropped when memory runs short.

PostgreSQL is the truth. A snapshot shows the knowledge at one version; readers use it without a lock while the next one
is made, and what they find in it is fetched from the database by id before anybody sees it.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np
from django.conf import settings
from django.db import connections
from django.db.models import BinaryField, F, Func

from knowledge.embedding.serving import serving_embedder
from knowledge.indexes.language import detect_language
from knowledge.indexes.snapshot import Row, Snapshot
from knowledge.indexes.whitening import SENTENCE_SCALE, prior_of
from knowledge.queries import changes_since, knowledge_version, retrievable_chunks
from tenants.models import Tenant
from tenants.scope import current_tenant_id, tenant_scope

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from django.db.models import QuerySet

    from knowledge.indexes.faiss import FaissIndex
    from knowledge.models import Chunk

try:
    from knowledge.indexes import faiss
except ImportError as error:  # a platform without FAISS searches with pgvector
    logging.getLogger(__name__).warning("FAISS cannot be loaded, so pgvector searches: %s", error)
    faiss = None  # type: ignore[assignment]  # the absence of a module has no other name

MEMORY_CAP = 1 << 30  # bytes of snapshots in a process; the least recently used is dropped first
AT_ONCE = 1_000  # chunks that the first query waits for (about .3 s); a larger tenant is loaded behind it
CHANGES_AT_ONCE = 32  # changed documents that a query applies itself
SAMPLE = 64  # chunks that the language and the cut of the vocabulary are judged by
HEADER = 4  # bytes before the numbers of a vector on the wire

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Entry:
    """What is known of one tenant; `lock` is held by the one thread that makes the next snapshot."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    snapshot: Snapshot | None = None
    loaded_rows: int = 0


class Replicas:
    """The snapshots of this process, by tenant."""

    def __init__(self) -> None:
        self._entries: OrderedDict[int, _Entry] = OrderedDict()
        self._guard = threading.Lock()
        self._background = ThreadPoolExecutor(1, thread_name_prefix="replica")

    def get(self, tenant_id: int) -> Snapshot | None:
        """The tenant's snapshot, which may be behind; None while a large one is being loaded, or without FAISS.

        Needs no tenant scope: opens its own for what it must read.
        """
        if faiss is None or settings.ASKWELL_INDEX == "pgvector":
            return None
        entry = self._entry(tenant_id)
        return entry.snapshot or self._first(tenant_id, entry)

    def load(self, tenant_id: int) -> Snapshot | None:
        """The tenant's snapshot as of now, however long it takes; None without FAISS. Opens its own scope."""
        if faiss is None or settings.ASKWELL_INDEX == "pgvector":
            return None
        entry = self._entry(tenant_id)
        with entry.lock, tenant_scope(tenant_id):
            snapshot = entry.snapshot
            if snapshot is None or knowledge_version() > snapshot.version:
                self._reload(entry)
        return entry.snapshot

    def refresh(self, tenant_id: int, behind: Snapshot) -> Snapshot | None:
        """What to use instead of a snapshot that the database has moved on from; needs the tenant's scope.

        A few changed documents are applied here and now. When there are many, the snapshot is loaded anew in the
        background and None says that pgvector must serve meanwhile; when another thread is at it, `behind` will do.
        """
        entry = self._entry(tenant_id)
        if not entry.lock.acquire(blocking=False):
            return entry.snapshot or behind
        try:
            snapshot = entry.snapshot or behind
            version, changed = changes_since(snapshot.version)
            if len(changed) > CHANGES_AT_ONCE and len(snapshot) > AT_ONCE:
                self._background.submit(self._in_background, tenant_id, entry)
                return None
            self._apply(entry, snapshot, version, changed)
            return entry.snapshot
        finally:
            entry.lock.release()

    def forget(self, tenant_id: int) -> None:
        """Drop the tenant's snapshot."""
        with self._guard:
            self._entries.pop(tenant_id, None)

    def _entry(self, tenant_id: int) -> _Entry:
        with self._guard:
            entry = self._entries.setdefault(tenant_id, _Entry())
            self._entries.move_to_end(tenant_id)
            return entry

    def _first(self, tenant_id: int, entry: _Entry) -> Snapshot | None:
        with tenant_scope(tenant_id):
            small = retrievable_chunks()[: AT_ONCE + 1].count() <= AT_ONCE
        if small:
            return self.load(tenant_id)
        if not entry.lock.locked():
            self._background.submit(self._in_background, tenant_id, entry)
        return None

    def _in_background(self, tenant_id: int, entry: _Entry) -> None:
        try:
            with entry.lock, tenant_scope(tenant_id):
                if entry.snapshot is None or knowledge_version() > entry.snapshot.version:
                    self._reload(entry)
        except Exception:  # whatever it is, pgvector goes on serving and the next query tries again
            log.exception("The replica of tenant %s could not be loaded", tenant_id)
        finally:
            connections.close_all()  # of this thread

    def _reload(self, entry: _Entry) -> None:
        version = knowledge_version()  # before the rows: what changes meanwhile has a later version
        rows = read_rows(retrievable_chunks())
        self._keep(entry, replace(empty_snapshot(rows).grown(rows), version=version))
        entry.loaded_rows = len(rows)

    def _apply(self, entry: _Entry, snapshot: Snapshot, version: int, changed: Sequence[int]) -> None:
        """One step on; anew where the statistics of the rows, or the rows themselves, have become other ones."""
        rows = read_rows(retrievable_chunks().filter(document__in=changed))
        following = snapshot.without(changed).grown(rows)
        if following.worn or len(following) > 2 * entry.loaded_rows:
            self._reload(entry)
        else:
            self._keep(entry, replace(following, version=version))

    def _keep(self, entry: _Entry, snapshot: Snapshot) -> None:
        entry.snapshot = snapshot
        with self._guard:
            sizes = {tenant: e.snapshot.size for tenant, e in self._entries.items() if e.snapshot is not None}
            for tenant in list(sizes)[:-1]:
                if sum(sizes.values()) <= MEMORY_CAP:
                    break
                del sizes[tenant], self._entries[tenant]


replicas = Replicas()


def empty_snapshot(rows: Sequence[Row], *, indexed: bool = True) -> Snapshot:
    """A snapshot for rows like these, without them; needs the tenant's scope.

    Args:
        rows: what language and model's knowledge of it are judged by.
        indexed: whether paragraph vectors get an index; without one, every row is a candidate.
    """
    embedder = serving_embedder(current_tenant_id())
    sample = [row.text for row in rows[:: max(len(rows) // SAMPLE, 1)]]
    default = Tenant.objects.values_list("language", flat=True).get(pk=current_tenant_id())
    paragraphs: FaissIndex | None = None
    if indexed and faiss is not None:
        paragraphs = faiss.FaissIndex(embedder.dimensions)
    return Snapshot.empty(
        detect_language(sample, default),
        prior_of(embedder.name, embedder.dimensions),
        paragraphs,
        model=embedder.name,
        pieces_per_word=embedder.pieces_per_word("\n".join(sample)),
    )


def read_rows(chunks: QuerySet[Chunk]) -> list[Row]:
    """The chunks with their vectors of the embedder that serves; needs the tenant's scope."""
    model = serving_embedder(current_tenant_id()).name
    wire = Func(F("vectors__paragraph"), function="vector_send", output_field=BinaryField())
    values = chunks.filter(vectors__model=model).values_list(
        "pk",
        "document_id",
        "document__title",
        "heading_path",
        "text",
        wire,
        "vectors__sentences",
        "vectors__token_ids",
    )
    return [_row(*row) for row in values.order_by("pk").iterator(chunk_size=2000)]


def _row(chunk: int, document: int, title: str, headings: Iterable[str], text: str, *vectors: Any) -> Row:
    paragraph = np.frombuffer(vectors[0], ">f4", offset=HEADER).astype(np.float32)
    sentences = np.frombuffer(vectors[1], np.float16).reshape(-1, len(paragraph)).astype(np.float32)
    return Row(
        chunk=chunk,
        document=document,
        text=" ".join([title, *headings, text]),
        fingerprint=int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), signed=True),
        paragraph=paragraph,
        sentences=np.rint(sentences * SENTENCE_SCALE).astype(np.int16),
        token_ids=np.frombuffer(vectors[2], np.int32),
    )
