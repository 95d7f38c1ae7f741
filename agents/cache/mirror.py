"""The questions of live answers in memory, so that a question nobody asked before costs no visit to the database.

A mirror is at most `FRESH` seconds behind: an answer kept by another process may be missed for so long. One that was
dropped, or whose documents changed, is never given: whatever is found here is read again before anybody sees it.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from agents.cache.features import Features
from agents.cache.likeness import left_out
from agents.cache.scope import Knowledge, read_knowledge, scope_of
from agents.cache.threshold import DEFAULT, VERDICTS, learnt
from agents.models import CachedAnswer, CacheHit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from knowledge.embedding.base import Floats

FRESH = 5.0
"""Seconds."""
KEPT = 2000
"""Answers of a tenant that are kept, in the database and in memory."""
MIRRORS = 100
"""Mirrors of a process; the least used go first. A question takes about 3 KB."""


class Kept(NamedTuple):
    """A question that was answered."""

    pk: int
    digest: str
    features: Features
    vector: Floats
    intent: str


class Candidate(NamedTuple):
    """A kept question that a new one may repeat; `left` concepts are named by only one of them."""

    kept: Kept
    left: int


@dataclass(slots=True)
class Mirror:
    """The live questions of one scope."""

    tenant_id: int
    base: str
    knowledge: Knowledge | None = None
    threshold: float = DEFAULT
    until: float = 0.0
    rows: dict[int, Kept] = field(default_factory=dict)
    by_digest: dict[str, Kept] = field(default_factory=dict)
    by_language: dict[tuple[object, ...], list[Kept]] = field(default_factory=dict)

    @property
    def fresh(self) -> bool:
        """Whether it may be believed."""
        return time.monotonic() < self.until

    def candidates(self, features: Features) -> Iterator[Candidate]:
        """Yield the questions that nothing keeps apart from one with these features."""
        for kept in tuple(self.by_language.get(_key(features), ())):
            left = left_out(features, kept.features)
            if left is not None:
                yield Candidate(kept, left)

    def refresh(self, risk: float) -> None:
        """Read what has changed; needs the tenant's scope."""
        self.knowledge = read_knowledge()
        live = CachedAnswer.objects.filter(scope=scope_of(self.base, self.knowledge), dropped_at=None)
        ids = set(live.order_by("-pk").values_list("pk", flat=True)[:KEPT])
        for pk in self.rows.keys() - ids:
            self.forget(pk)
        missing = ids - self.rows.keys()
        if missing:
            columns = ("pk", "digest", "features", "vector", "intent")
            for row in live.filter(pk__in=missing).order_by("pk").values_list(*columns):
                self.add(kept_of(*row))
        judged = CacheHit.objects.filter(right__isnull=False, similarity__lt=1).order_by("-pk")
        self.threshold = learnt(list(judged.values_list("similarity", "right")[:VERDICTS]), risk)
        self.until = time.monotonic() + FRESH

    def add(self, kept: Kept) -> None:
        """Take in a question; harmless when it is there."""
        if kept.pk in self.rows:
            return
        self.rows[kept.pk] = self.by_digest[kept.digest] = kept
        self.by_language.setdefault(_key(kept.features), []).append(kept)

    def forget(self, pk: int) -> None:
        """Drop a question."""
        kept = self.rows.pop(pk, None)
        if kept is None:
            return
        if self.by_digest.get(kept.digest) is kept:
            del self.by_digest[kept.digest]
        group = self.by_language.get(_key(kept.features), [])
        if kept in group:
            group[:] = [other for other in group if other.pk != pk]


def _key(features: Features) -> tuple[object, ...]:
    """What must be equal in any two questions that share an answer, so that few have to be compared."""
    numbers = tuple(number for number, _ in features.numbers)
    return features.language, features.negated, numbers, features.dates


def kept_of(pk: int, digest: str, features: dict[str, Any], vector: Any, intent: str) -> Kept:
    """Return a row as the mirror holds it."""
    return Kept(pk, digest, features_of(features), np.asarray(vector, np.float32), intent)


def features_of(record: dict[str, Any]) -> Features:
    """Return the features that `Features.as_json` wrote."""
    values: dict[str, Any] = dict(record)
    for name in ("concepts", "words", "weak", "asks", "dates", "denied", "origin", "target"):
        values[name] = frozenset(record[name])
    for name in ("numbers", "counted"):
        values[name] = tuple(tuple(item) for item in record[name])
    return Features(**values)


_mirrors: OrderedDict[tuple[int, str], Mirror] = OrderedDict()


def mirror_of(tenant_id: int, base: str) -> Mirror:
    """Return the mirror of a scope, empty when it is new."""
    key = tenant_id, base
    found = _mirrors.get(key)
    if found is None:
        found = _mirrors[key] = Mirror(tenant_id, base)
        while len(_mirrors) > MIRRORS:
            _mirrors.popitem(last=False)
    _mirrors.move_to_end(key)
    return found


def forget_all() -> None:
    """Drop all mirrors, as a new process would begin."""
    _mirrors.clear()
