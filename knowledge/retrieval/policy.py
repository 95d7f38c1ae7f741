"""What a tenant's curators have set about searching, remembered by each process until the knowledge version moves."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from knowledge.models import CuratedAnswer, SearchSettings, SynonymGroup
from knowledge.queries import knowledge_version
from knowledge.retrieval.curated import CuratedAnswers, Wording
from knowledge.retrieval.filters import Filters, matching_documents
from knowledge.retrieval.synonyms import Group, Synonyms
from knowledge.retrieval.weights import Weights
from tenants.scope import tenant_scope

if TYPE_CHECKING:
    from collections.abc import Collection

    from knowledge.embedding.base import Floats

KEPT = 1_000  # tenants in a process
REMEMBERED = 32  # filters of a tenant whose documents are known


@dataclass(frozen=True, slots=True, eq=False)
class SearchPolicy:
    """What holds for the searches of one tenant at one knowledge version."""

    version: int
    settings: SearchSettings
    synonyms: Synonyms = field(default_factory=Synonyms)
    curated: CuratedAnswers = field(default_factory=CuratedAnswers)
    _documents: dict[Filters, list[int]] = field(default_factory=dict, repr=False)

    @property
    def weights(self) -> Weights:
        """The tenant's own, or those that the texts choose."""
        return Weights(self.settings.dense_weight, self.settings.rerank_weight, self.settings.diversity)

    def documents(self, filters: Filters) -> Collection[int] | None:
        """The ids of the live documents that filters let through, None for all; needs the tenant's scope."""
        condition = filters.condition(audiences_of(self.settings))
        if not condition:
            return None
        known = self._documents.get(filters)
        if known is None:
            if len(self._documents) >= REMEMBERED:
                self._documents.clear()
            known = self._documents[filters] = matching_documents(condition)
        return known


def audiences_of(settings: SearchSettings) -> tuple[str, ...]:
    """The audiences that customers belong to; none: all of them."""
    return tuple(name for part in settings.audiences.split(",") if (name := part.strip()))


def read_policy(version: int) -> SearchPolicy:
    """The policy of the tenant in scope."""
    groups = SynonymGroup.objects.values_list("words", "one_way").order_by("pk")
    return SearchPolicy(
        version,
        settings=SearchSettings.objects.first() or SearchSettings(),
        synonyms=Synonyms(tuple(Group(tuple(words), one_way) for words, one_way in groups)),
        curated=_curated_answers(),
    )


def _curated_answers() -> CuratedAnswers:
    rows = list(CuratedAnswer.objects.filter(enabled=True).order_by("pk"))
    model = max((row.model for row in rows), default="", key=[row.model for row in rows].count)
    wordings = [
        Wording(text, row.pk, row.document_id, row.answer, vector if row.model == model else None)
        for row in rows
        for text, vector in zip(row.questions, _vectors(row), strict=True)
    ]
    return CuratedAnswers(tuple(wordings), model)


def _vectors(row: CuratedAnswer) -> list[Floats | None]:
    """A vector for each wording, None where they have not been made."""
    count = len(row.questions)
    if not row.vectors or not count:
        return [None] * count
    return list(np.frombuffer(row.vectors, np.float32).reshape(count, -1))


class Policies:
    """The policies of this process, by tenant; safe for any number of threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, SearchPolicy] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, tenant_id: int) -> SearchPolicy:
        """The tenant's policy, which may be behind: whoever uses it compares versions afterwards."""
        with self._lock:
            kept = self._kept.get(tenant_id)
            if kept is not None:
                self._kept.move_to_end(tenant_id)
        return kept or self.load(tenant_id)

    def load(self, tenant_id: int) -> SearchPolicy:
        """The tenant's policy as of now; opens its own scope."""
        with tenant_scope(tenant_id):
            version = knowledge_version()  # before the rest: what changes meanwhile has a later version
            policy = read_policy(version)
        with self._lock:
            self._kept[tenant_id] = policy
            self._kept.move_to_end(tenant_id)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return policy


policies = Policies()
