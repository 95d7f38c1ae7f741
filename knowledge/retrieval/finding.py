"""One question looked up over the tenant's replica, or over the nearest chunks that PostgreSQL names without one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from knowledge.embedding.base import blank_encoding
from knowledge.indexes.engines import named_snapshot
from knowledge.indexes.pgvector import CANDIDATES, nearest_snapshot, worded_snapshot
from knowledge.indexes.replica import replicas
from knowledge.queries import knowledge_version, live_documents
from knowledge.retrieval.long_need import rank_need
from knowledge.retrieval.passages import Passage, best_passages
from knowledge.retrieval.ranking import rank
from knowledge.retrieval.synonyms import Synonyms
from knowledge.retrieval.weights import CHOSEN, Weights

if TYPE_CHECKING:
    from collections.abc import Collection

    from knowledge.embedding.base import QueryEncoding
    from knowledge.indexes.engines import Nearest
    from knowledge.indexes.snapshot import Snapshot
    from knowledge.retrieval.long_need import Need
    from knowledge.retrieval.ranking import Ranking

TRIES = 3  # times that a question is looked up where passages are replaced under its hands
LATEST = 50  # documents that changed last, whose best passages are always looked at
FAISS, PGVECTOR, WORDS = "faiss", "pgvector", "words"
NO_SYNONYMS = Synonyms()
BY_WORDS = Weights(dense=0.0, rerank=0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A question as it is looked up.

    Attributes:
        encoding: None where its vectors cannot be had, and words alone must do.
        k: passages wanted.
        documents: ids of the only ones that count; None: all.
        model: the embedder that the encoding is of; vectors of no other are compared with it.
        synonyms: the tenant's.
        need: the sentences of a story; None of a question.
        nearest: what the tenant's vector engine named, for when there is no replica; under `documents` it is not used.
    """

    text: str
    encoding: QueryEncoding | None
    k: int
    documents: Collection[int] | None = None
    weights: Weights = CHOSEN
    model: str = ""
    synonyms: Synonyms = NO_SYNONYMS
    need: Need | None = None
    nearest: Nearest | None = None

    def ranking(self, snapshot: Snapshot) -> Ranking:
        """The order of a snapshot's chunks for this question or story."""
        if self.need is not None and snapshot.embedded:
            return rank_need(snapshot, self.need, self.encoding_for(snapshot), self.documents, self.weights)
        expansions = self.synonyms.expansions(self.text, snapshot.lexical.language)
        return rank(
            snapshot,
            self.text,
            self.encoding_for(snapshot),
            self.documents,
            self.weights_for(snapshot),
            expansions=expansions,
            k=self.k,
        )

    def encoding_for(self, snapshot: Snapshot) -> QueryEncoding:
        """The encoding to rank this snapshot with; an empty one where either side has no vectors."""
        if self.encoding is None or not snapshot.embedded:
            return blank_encoding(snapshot.dimensions)
        return self.encoding

    def weights_for(self, snapshot: Snapshot) -> Weights:
        """The weights to rank this snapshot with; word by word, a story is about too much."""
        if self.encoding is None or not snapshot.embedded:
            return BY_WORDS
        return self.weights if self.need is None else replace(self.weights, rerank=0.0)

    def fits(self, snapshot: Snapshot) -> bool:
        """Whether its vectors may be compared with the encoding."""
        return self.encoding is None or snapshot.model == self.model


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What one question found.

    Attributes:
        index: what served it, "faiss", "pgvector", "words" or the name of a vector engine.
        version: the tenant's knowledge version at the time.
        encoding: what the passages were compared with.
    """

    passages: tuple[Passage, ...]
    answerability: float
    index: str
    documents: int
    version: int
    encoding: QueryEncoding


def find(tenant_id: int, snapshot: Snapshot | None, asked: Asked) -> Found:
    """Look a question up; needs the tenant's scope.

    Args:
        tenant_id: whose scope it is.
        snapshot: the replica, which may be behind; None where there is none.
        asked: the question.
    """
    found: Found | None = None
    for _ in range(TRIES):
        if snapshot is None or not asked.fits(snapshot):
            return _from_database(asked)
        found, version = _from_replica(snapshot, asked)
        if version <= snapshot.version:
            break
        snapshot = replicas.refresh(tenant_id, snapshot)
    return found or _from_database(asked)


def _from_database(asked: Asked) -> Found:
    """What PostgreSQL finds: the nearest chunks, or those with most of the words where none has vectors."""
    k, snapshot, index = max(CANDIDATES, asked.k), None, PGVECTOR
    if asked.encoding is not None and asked.nearest is not None and asked.documents is None:
        snapshot, index = named_snapshot(asked.nearest, asked.encoding.vector, k), asked.nearest.engine
    if asked.encoding is not None and snapshot is None:
        index = PGVECTOR
        snapshot = nearest_snapshot(
            asked.encoding.vector, asked.documents, k=k, model=asked.model, latest=LATEST, query=asked.text
        )
    if snapshot is None or not len(snapshot):
        snapshot = worded_snapshot(asked.text, asked.documents, k=k)
    encoding, weights = asked.encoding_for(snapshot), asked.weights_for(snapshot)
    ranking = asked.ranking(snapshot)
    best = best_passages(snapshot, ranking, encoding, asked.k, weights)
    version = best.version or knowledge_version()
    index = WORDS if weights is BY_WORDS else index
    return Found(best.passages, ranking.answerability, index, live_documents().count(), version, encoding)


def _from_replica(snapshot: Snapshot, asked: Asked) -> tuple[Found | None, int]:
    """What the replica finds, and the knowledge version; None when too little of its ranking may still be shown."""
    encoding, weights = asked.encoding_for(snapshot), asked.weights_for(snapshot)
    ranking = asked.ranking(snapshot)
    best = best_passages(snapshot, ranking, encoding, asked.k, weights)
    version = best.version or knowledge_version()
    if len(best.passages) < min(asked.k, len(ranking.rows)):
        return None, version
    index = WORDS if weights is BY_WORDS else FAISS
    return Found(best.passages, ranking.answerability, index, snapshot.document_count, version, encoding), version
