"""Moving a tenant's vectors to an engine and back: written to both, compared, switched; at no time is anything lost.

PostgreSQL keeps every vector throughout, so going back takes no more than saying so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pgvector.django import CosineDistance

from knowledge.embedding.serving import serving_name
from knowledge.indexes import engines
from knowledge.indexes.qdrant import EngineError
from knowledge.indexes.rows import read_rows
from knowledge.models import ExternalIndex
from knowledge.queries import retrievable_chunks
from tenants.scope import tenant_scope
from tenants.services import record_audit

if TYPE_CHECKING:
    from knowledge.indexes.base import Floats

QUERIES, NEAREST = 100, 10  # of the comparison
BAR = 0.95  # share of the exact nearest that the engine must find
POINT_BYTES = 250  # of an engine's point beside its vector: payload, graph


class MoveRefusedError(Exception):
    """The tenant stays where it is; the text says why."""


@dataclass(frozen=True, slots=True)
class Move:
    """How a move stands.

    Attributes:
        chunks: in PostgreSQL.
        stored: in the engine; None while it is not filled.
        bytes: about, in the engine.
        recall: share of the exact nearest passages that the engine finds; None while that was not measured.
        serves: whether the engine is asked.
    """

    chunks: int
    stored: int | None
    bytes: int
    recall: float | None
    serves: bool


def plan(tenant_id: int) -> Move:
    """What a move would take; changes nothing.

    Raises:
        EngineError: the engine cannot be used.
    """
    with tenant_scope(tenant_id):
        chunks = retrievable_chunks().count()
        row = ExternalIndex.objects.first()
        index = engines.index_of(tenant_id)
    index.reachable()
    stored = len(index) if row is not None and row.version >= 0 else None
    size = chunks * (4 * index.dimensions + POINT_BYTES)
    return Move(chunks, stored, size, row.recall if row else None, bool(row and row.serves))


def fill(tenant_id: int) -> None:
    """Begins to write to both, and returns once the engine has everything; goes on where an earlier one stopped.

    Raises:
        EngineError: the engine cannot be used.
    """
    with tenant_scope(tenant_id):
        if not ExternalIndex.objects.exists():
            ExternalIndex.objects.create(model=serving_name(tenant_id))
    while engines.follow(tenant_id):
        pass


def switch(tenant_id: int, *, actor: str) -> Move:
    """Lets the engine serve, if it finds what is there.

    Raises:
        MoveRefusedError: it does not; the tenant is served as before.
        EngineError: the engine cannot be used.
    """
    move = plan(tenant_id)
    recall = compare(tenant_id)
    if move.stored != move.chunks or recall < BAR:
        raise MoveRefusedError(
            f"The engine has {move.stored} of {move.chunks} passages and finds {recall:.3f} of the nearest; "
            f"all of them and {BAR} are needed. Nothing was switched."
        )
    with tenant_scope(tenant_id):
        ExternalIndex.objects.update(recall=recall, serves=True)
        record_audit(actor=actor, action="index.moved", target=ExternalIndex.Engine.QDRANT)
    engines.forget(tenant_id)
    return plan(tenant_id)


def back(tenant_id: int, *, actor: str) -> bool:
    """Has PostgreSQL and replicas serve again, and empties the engine; False where they do already.

    An engine that cannot be reached keeps what it has, which nobody asks any more.
    """
    with tenant_scope(tenant_id):
        row = ExternalIndex.objects.first()
        if row is None:
            return False
        row.delete()
        record_audit(actor=actor, action="index.moved_back", target=row.engine)
        index = engines.index_of(tenant_id)
    engines.forget(tenant_id)
    try:
        index.clear()
    except EngineError as error:
        engines.log.warning("The vectors of tenant %s stay in the engine: %s", tenant_id, error)
    return True


def compare(tenant_id: int) -> float:
    """The share of the exact nearest passages that the engine finds, over sentences of the tenant's own."""
    with tenant_scope(tenant_id):
        index = engines.index_of(tenant_id)
        vectors = _samples()
    if not len(vectors):
        return 1.0
    shares = []
    for vector in vectors:
        with tenant_scope(tenant_id):
            near = retrievable_chunks().filter(vectors__model=serving_name(tenant_id))
            order = near.order_by(CosineDistance("vectors__paragraph", vector))
            exact = set(order.values_list("pk", flat=True)[:NEAREST])
        found, _ = index.search(vector, NEAREST)
        shares.append(len(exact & set(found.tolist())) / len(exact))
    return float(np.mean(shares))


def _samples() -> list[Floats]:
    """First sentences of passages from everywhere, which are no passage themselves."""
    ids = list(retrievable_chunks().order_by("pk").values_list("pk", flat=True))
    chosen = ids[:: max(len(ids) // QUERIES, 1)][:QUERIES]
    rows = read_rows(retrievable_chunks().filter(pk__in=chosen))
    sentences = [row.sentences[0].astype(np.float32) for row in rows]
    return [sentence / max(float(np.linalg.norm(sentence)), 1.0) for sentence in sentences]
