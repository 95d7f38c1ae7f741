"""Which tenants a vector engine serves, and what it names for a question.

The engine follows the database by a few seconds (`follow`). What changed since is looked up in PostgreSQL beside it, so
a question misses nothing new, and what the engine still has of the old is not shown by the last query of a search.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from django.conf import settings

from knowledge.embedding.serving import named_embedder, serving_name
from knowledge.indexes.pgvector import nearest_chunks, snapshot_of
from knowledge.indexes.qdrant import EngineError, QdrantIndex
from knowledge.indexes.rows import read_rows
from knowledge.models import ExternalIndex
from knowledge.queries import changes_since, retrievable_chunks
from tenants.scope import current_tenant_id, tenant_scope

if TYPE_CHECKING:
    from collections.abc import Collection

    from knowledge.indexes.base import Floats
    from knowledge.indexes.snapshot import Snapshot

CANDIDATES = 200  # that are asked for; words then choose among them
KNOWN_FOR = 5.0  # seconds that it is remembered who is served by an engine
QUIET = 10.0  # seconds that an engine which failed is not asked
BLOCK = 2_000  # chunks that are read and sent at a time
MANY = 2_000  # changed documents beyond which the engine is too far behind to be asked

log = logging.getLogger(__name__)
_known: dict[int, tuple[float, ExternalIndex | None]] = {}
_quiet: dict[str, float] = {}


@dataclass(frozen=True, slots=True)
class Nearest:
    """What an engine named.

    Attributes:
        chunks: the nearest, best first; some may be gone.
        version: the knowledge version that the engine shows.
        model: the embedder whose vectors it compared.
        engine: its name.
    """

    chunks: tuple[int, ...]
    version: int
    model: str
    engine: str


def engine_of(tenant_id: int) -> ExternalIndex | None:
    """The engine that serves the tenant, as it was a few seconds ago at the most; opens its own scope."""
    if not settings.ASKWELL_QDRANT_URL:
        return None
    until, engine = _known.get(tenant_id, (0.0, None))
    if time.monotonic() >= until:
        with tenant_scope(tenant_id):
            engine = ExternalIndex.objects.filter(serves=True).first()
        _known[tenant_id] = time.monotonic() + KNOWN_FOR, engine
    return engine


def forget(tenant_id: int) -> None:
    """What is known of the tenant's engine is looked up anew."""
    _known.pop(tenant_id, None)
    _quiet.clear()


def nearest(tenant_id: int, model: str, vector: Floats) -> Nearest | None:
    """What the tenant's engine names; None without one, or while it cannot be asked, which a line in the log tells.

    Asks over the network: not inside of a scope.
    """
    engine = engine_of(tenant_id)
    if engine is None or engine.model != model or time.monotonic() < _quiet.get(engine.engine, 0.0):
        return None
    try:
        chunks, _ = QdrantIndex(tenant_id, model, len(vector)).search(vector, CANDIDATES)
    except EngineError as error:
        log.warning("PostgreSQL searches instead of the vector engine: %s", error)
        _quiet[engine.engine] = time.monotonic() + QUIET
        return None
    return Nearest(tuple(chunks.tolist()), engine.version, model, engine.engine)


def named_snapshot(named: Nearest, vector: Floats, k: int) -> Snapshot | None:
    """A snapshot of what an engine named, and of the nearest that it cannot know yet; needs the tenant's scope.

    None where it is too far behind, or not as full as it should be: PostgreSQL finds what is missing.
    """
    _, changed = changes_since(named.version)
    if len(changed) > MANY:
        return None
    new = nearest_chunks(vector, changed, k=k, model=named.model) if changed else []
    chunks = list(dict.fromkeys([*named.chunks, *new]))
    snapshot = snapshot_of(chunks, named.model, named_embedder(current_tenant_id(), named.model))
    return snapshot if len(snapshot) >= k else None


def follow(tenant_id: int) -> int:
    """Brings the tenant's engine up to date; returns how many documents that took. Opens short scopes of its own.

    Raises:
        EngineError: the engine cannot be used; what was sent so far is sent again next time, which harms nothing.
    """
    with tenant_scope(tenant_id):
        engine = ExternalIndex.objects.first()
        if engine is None:
            return 0
        model = serving_name(tenant_id)
        anew = engine.version < 0 or engine.model != model
        version, changed = changes_since(-1 if anew else engine.version)
    if version == engine.version and not anew:
        return 0
    index = QdrantIndex(tenant_id, model, named_embedder(tenant_id, model).dimensions)
    if anew:
        index.prepare()
        index.clear()
        _send(tenant_id, index, model, None)
    else:
        index.remove_documents(changed)
        _send(tenant_id, index, model, changed)
    with tenant_scope(tenant_id):
        serves = {"serves": False} if anew else {}  # another model's vectors are compared before they serve
        ExternalIndex.objects.update(version=version, model=model, **serves)
    return len(changed)


def _send(tenant_id: int, index: QdrantIndex, model: str, documents: Collection[int] | None) -> None:
    last = 0
    while True:
        with tenant_scope(tenant_id):
            chunks = retrievable_chunks().filter(pk__gt=last)
            if documents is not None:
                chunks = chunks.filter(document__in=documents)
            ids = list(chunks.order_by("pk").values_list("pk", flat=True)[:BLOCK])
            rows = read_rows(retrievable_chunks().filter(pk__in=ids), model)
        if not ids:
            return
        index.add(
            np.array([row.chunk for row in rows], np.int64),
            np.array([row.paragraph for row in rows], np.float32),
            [row.document for row in rows],
        )
        last = ids[-1]


def index_of(tenant_id: int) -> QdrantIndex:
    """The tenant's vectors in the engine; needs the tenant's scope."""
    assert tenant_id == current_tenant_id()  # noqa: S101 (the scope is what names the model)
    model = serving_name(tenant_id)
    return QdrantIndex(tenant_id, model, named_embedder(tenant_id, model).dimensions)
