"""A search as it would be after a change that is not live yet: drafts of documents, another model, other weights.

Nothing that serves is touched: a trial ranks over a snapshot of its own, and its last query may show the drafts'
chunks in addition to what may be shown anyway. Whoever does not ask with a trial never sees them.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from knowledge.embedding.serving import named_embedder, serving_embedder
from knowledge.indexes.replica import replicas
from knowledge.indexes.rows import empty_snapshot, read_rows
from knowledge.models import DocumentVersion
from knowledge.queries import knowledge_version, retrievable_chunks
from knowledge.retrieval.finding import Asked, Found
from knowledge.retrieval.passages import best_passages
from knowledge.retrieval.weights import Weights
from tenants.scope import tenant_scope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from knowledge.embedding.base import Embedder
    from knowledge.indexes.snapshot import Snapshot

TRIAL = "trial"  # what served a search that nothing served


@dataclass(frozen=True, slots=True)
class Trial:
    """What differs from what serves.

    Attributes:
        embedding: the name of the embedding model that would serve; empty: the one that does.
        weights: those of the ranking; None: the tenant's.
        drafts: ids of the versions that would be the current ones of their documents, which would be live.
    """

    embedding: str = ""
    weights: Weights | None = None
    drafts: tuple[int, ...] = ()

    @classmethod
    def of(cls, candidate: Mapping[str, Any]) -> Trial | None:
        """The trial of an `EvaluationRun.candidate`; None where its searches are those that serve.

        Keys that say nothing of searching, such as the prompt's, are passed over.
        """
        weights = candidate.get("weights")
        trial = cls(
            embedding=candidate.get("embedding", ""),
            weights=None if weights is None else Weights(**weights),
            drafts=tuple(sorted(candidate.get("drafts", ()))),
        )
        return None if trial == cls() else trial


class _Kept(NamedTuple):
    """The last snapshot that was made, and what of."""

    tenant: int
    version: int
    embedding: str
    drafts: tuple[int, ...]
    snapshot: Snapshot


class TrialSnapshots:
    """The snapshot of the trial at hand: a run asks hundreds of questions of the same one, one after the other."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: _Kept | None = None

    def get(self, tenant_id: int, trial: Trial) -> Snapshot:
        """What serves, with the drafts in the place of their documents; opens its own scopes."""
        base = None if trial.embedding else replicas.load(tenant_id)
        with self._lock, tenant_scope(tenant_id):
            version = base.version if base else knowledge_version()
            made_of = (tenant_id, version, trial.embedding, trial.drafts)
            if self._kept is None or self._kept[:4] != made_of:
                self._kept = None  # before the next one takes its memory
                self._kept = _Kept(*made_of, _with_drafts(base, trial, embedder_of_trial(tenant_id, trial)))
            return self._kept.snapshot

    def forget(self) -> None:
        """Free its memory."""
        with self._lock:
            self._kept = None


trial_snapshots = TrialSnapshots()


def embedder_of_trial(tenant_id: int, trial: Trial) -> Embedder:
    """The embedder that questions of a trial are encoded with.

    Raises:
        EmbedderError: it cannot be used.
    """
    return named_embedder(tenant_id, trial.embedding) if trial.embedding else serving_embedder(tenant_id)


def _with_drafts(base: Snapshot | None, trial: Trial, embedder: Embedder) -> Snapshot:
    """`base`, or all that serves where there is none, as it would be with these versions; needs the tenant's scope."""
    drafts = retrievable_chunks(trial.drafts).filter(version__in=trial.drafts)
    replaced = DocumentVersion.objects.filter(pk__in=trial.drafts).values_list("document_id", flat=True)
    rows = read_rows(drafts, embedder.name) if trial.drafts else []
    if base is not None:
        return base.without(set(replaced)).grown(rows)
    rows = read_rows(retrievable_chunks().exclude(document__in=replaced), embedder.name) + rows
    return empty_snapshot(rows, embedder=embedder).grown(rows)


def find_in_trial(snapshot: Snapshot, asked: Asked, trial: Trial) -> Found:
    """What a trial finds: over its own snapshot, and with the passages of its drafts; needs the tenant's scope."""
    encoding, weights = asked.encoding_for(snapshot), asked.weights_for(snapshot)
    ranking = asked.ranking(snapshot)
    best = best_passages(snapshot, ranking, encoding, asked.k, weights, drafts=trial.drafts)
    version = best.version or knowledge_version()
    return Found(best.passages, ranking.answerability, TRIAL, snapshot.document_count, version, encoding)
