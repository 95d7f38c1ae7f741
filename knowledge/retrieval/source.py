"""Where a search looks: what serves the tenant, or what would in a trial."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from knowledge.embedding.base import EmbedderError
from knowledge.embedding.serving import serving_embedder
from knowledge.indexes import engines
from knowledge.indexes.replica import replicas
from knowledge.queries import knowledge_version
from knowledge.retrieval.finding import find
from knowledge.retrieval.long_need import encode_need
from knowledge.retrieval.trial import embedder_of_trial, find_in_trial, trial_snapshots
from tenants.scope import tenant_scope

if TYPE_CHECKING:
    from collections.abc import Callable

    from knowledge.embedding.base import Embedder, QueryEncoding
    from knowledge.indexes.engines import Nearest
    from knowledge.indexes.snapshot import Snapshot
    from knowledge.retrieval.finding import Asked, Found
    from knowledge.retrieval.long_need import Need
    from knowledge.retrieval.trial import Trial

log = logging.getLogger(__name__)


class Source(NamedTuple):
    """What questions are encoded with and looked up in.

    Attributes:
        embedder: None where it cannot be used, and words alone must do.
        snapshot: None where PostgreSQL must do.
        find: looks a question up; needs the tenant's scope.
        tenant_id: whose vector engine may be asked; 0 for none's, as in a trial.
    """

    embedder: Embedder | None
    snapshot: Snapshot | None
    find: Callable[[Asked], Found]
    tenant_id: int = 0

    @property
    def language(self) -> str:
        """Of the documents, as far as it is known."""
        return self.snapshot.lexical.language if self.snapshot is not None else "en"

    def up_to_date(self) -> Source:
        """The same with the passages of now, none while they are being brought up; opens its own scope."""
        behind = self.snapshot
        if behind is None or not self.tenant_id:
            return self
        with tenant_scope(self.tenant_id):
            if knowledge_version() <= behind.version:
                return self
            snapshot = replicas.refresh(self.tenant_id, behind)
        return self._replace(snapshot=snapshot, find=partial(find, self.tenant_id, snapshot))

    def encode(self, text: str) -> QueryEncoding | None:
        """The vectors of a question; None where they cannot be had. Slow: keep it outside of scopes."""
        try:
            return self.embedder.encode_query(text) if self.embedder is not None else None
        except EmbedderError as error:
            log.warning("A question is looked up by its words alone: %s", error)
            return None

    def nearest(self, encoding: QueryEncoding | None) -> Nearest | None:
        """What the tenant's vector engine names; None without one, or while it is away. Slow, too."""
        if encoding is None or self.embedder is None or self.snapshot is not None:
            return None
        return engines.nearest(self.tenant_id, self.embedder.name, encoding.vector)

    def need(self, text: str) -> Need | None:
        """A story's sentences and their vectors; None of a question, or where they cannot be had. Slow, too."""
        try:
            return encode_need(text, self.embedder) if self.embedder is not None else None
        except EmbedderError as error:
            log.warning("A story is looked up as if it were a question: %s", error)
            return None


def source_of(tenant_id: int, trial: Trial | None) -> Source:
    """Where a tenant's questions are looked up; opens its own scopes.

    Raises:
        EmbedderError: the model of a trial cannot be used.
    """
    if trial is not None:
        snapshot = trial_snapshots.get(tenant_id, trial)
        return Source(embedder_of_trial(tenant_id, trial), snapshot, partial(find_in_trial, snapshot, trial=trial))
    serving: Embedder | None = None
    replica: Snapshot | None = None
    try:
        serving = serving_embedder(tenant_id)
        replica = replicas.get(tenant_id) if engines.engine_of(tenant_id) is None else None
    except EmbedderError as error:  # its key is lost, or it never said how long its vectors are
        log.warning("Tenant %s is searched by words alone: %s", tenant_id, error)
    return Source(serving, replica, partial(find, tenant_id, replica), tenant_id)
