"""What a tenant's curators have set about searching, remembered by each process until the knowledge version moves."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from knowledge.models import SearchSettings
from knowledge.queries import knowledge_version
from knowledge.retrieval.filters import Filters, matching_documents
from knowledge.retrieval.weights import Weights
from tenants.scope import tenant_scope

if TYPE_CHECKING:
    from collections.abc import Collection

KEPT = 1_000  # tenants in a process


@dataclass(frozen=True, slots=True, eq=False)
class SearchPolicy:
    """What holds for the searches of one tenant at one knowledge version."""

    version: int
    settings: SearchSettings
    _documents: dict[Filters, list[int]] = field(default_factory=dict, repr=False)

    @property
    def weights(self) -> Weights:
        """The tenant's own, or those that the texts choose."""
        return Weights(self.settings.dense_weight, self.settings.rerank_weight)

    def documents(self, filters: Filters) -> Collection[int] | None:
        """The ids of the live documents that filters let through, None for all; needs the tenant's scope."""
        condition = filters.condition(audiences_of(self.settings))
        if not condition:
            return None
        if filters not in self._documents:
            self._documents[filters] = matching_documents(condition)
        return self._documents[filters]


def audiences_of(settings: SearchSettings) -> tuple[str, ...]:
    """The audiences that customers belong to; none: all of them."""
    return tuple(name for part in settings.audiences.split(",") if (name := part.strip()))


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
            policy = SearchPolicy(version, SearchSettings.objects.first() or SearchSettings())
        with self._lock:
            self._kept[tenant_id] = policy
            self._kept.move_to_end(tenant_id)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return policy


policies = Policies()
