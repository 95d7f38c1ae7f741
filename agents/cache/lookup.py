"""From a question to an answer that was given before: the same words, or the same question in other words."""

from __future__ import annotations

import hashlib
import logging
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import Error as DatabaseError

from agents.cache.eligibility import may_ask
from agents.cache.features import read_features
from agents.cache.likeness import likeness
from agents.cache.mirror import mirror_of
from agents.cache.scope import base_of, read_knowledge, scope_of
from agents.models import CachedAnswer
from knowledge.embedding.base import EmbedderError, get_embedder
from knowledge.queries import live_documents
from tenants.scope import in_thread, tenant_scope

if TYPE_CHECKING:
    from decimal import Decimal
    from uuid import UUID

    from agents.cache.features import Features
    from agents.cache.mirror import Candidate, Mirror
    from agents.context import Turn
    from agents.preparation import Prepared

log = logging.getLogger(__name__)
SURE = 0.97
"""Sureness (0 to 1) from which an intent counts: on paraphrases the classifier is of two minds below it."""
ACRONYM = 3
"""Letters of a word whose capitals matter: "US" is not "us"."""


@dataclass(frozen=True, slots=True)
class Given:
    """An answer that is given again.

    Attributes:
        cached: key of the `CachedAnswer`.
        similarity: 1 for the same words, else below 1.
        question, reply: what was asked then, and the reply that answered it.
        answer: as `store.record_of` wrote it.
        saved: what the answer cost, US dollars.
    """

    cached: int
    similarity: float
    question: str
    reply: UUID | None
    answer: dict[str, Any]
    saved: Decimal

    def as_record(self) -> dict[str, Any]:
        """Return it as the trace keeps it."""
        return {
            "hit": "exact" if self.similarity >= 1 else "semantic", "similarity": round(self.similarity, 4),
            "from": str(self.reply or ""), "question": self.question, "cached": self.cached,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """A question to look up; `features` is None where only the same words can be found."""

    text: str
    digest: str
    features: Features | None
    language: str


async def recall(turn: Turn, prepared: Prepared) -> Given | None:
    """Return the answer that fits this turn, None when there is none or none may be looked up.

    A miss that memory can tell costs neither the database nor another thread; everything else one crossing.
    """
    if not may_ask(turn, prepared):
        return None
    asked = as_asked(turn.question, turn.language)
    if asked.features is not None and asked.features.relative:
        return None
    try:
        mirror = mirror_of(turn.tenant_id, base_of(turn, prepared))
        if mirror.fresh and not _may_hit(mirror, asked):
            return None
        return await in_thread(_look_up, mirror, asked, prepared.answers.cache_risk)
    except (DatabaseError, EmbedderError) as error:  # the turn goes on without it
        log.warning("The answer cache could not be asked: %s", error)
        return None


def as_asked(question: str, language: str) -> Asked:
    """Return a question as it is looked up."""
    return Asked(question, digest_of(question), read_features(question, language), language)


def digest_of(question: str) -> str:
    """Return the digest of a question without regard to case, spaces and the marks at its ends."""
    words = unicodedata.normalize("NFKC", question).strip(" \t\r\n?!.¿¡,;:").split()
    folded = [word if word.isupper() and len(word) <= ACRONYM else word.casefold() for word in words]
    return hashlib.sha256(" ".join(folded).encode(errors="replace")).hexdigest()


def _may_hit(mirror: Mirror, asked: Asked) -> bool:
    if asked.digest in mirror.by_digest:
        return True
    return asked.features is not None and next(mirror.candidates(asked.features), None) is not None


def _look_up(mirror: Mirror, asked: Asked, risk: float) -> Given | None:
    if not mirror.fresh:
        with tenant_scope(mirror.tenant_id):
            mirror.refresh(risk)
    same = mirror.by_digest.get(asked.digest)
    if same is not None:
        return _read(mirror, same.pk, 1.0)
    candidates = list(mirror.candidates(asked.features)) if asked.features else []
    found = _most_alike(mirror, asked, candidates) if candidates else None
    return _read(mirror, *found) if found else None


def _most_alike(mirror: Mirror, asked: Asked, candidates: list[Candidate]) -> tuple[int, float] | None:
    """Return the key and the likeness of the best candidate that is like enough and wants the same."""
    vector = get_embedder().encode_query(asked.text).vector  # the search that follows a miss finds it made
    scored = [(likeness(candidate.left, vector, candidate.kept.vector), candidate.kept) for candidate in candidates]
    alike = sorted((pair for pair in scored if pair[0] >= mirror.threshold), key=lambda pair: -pair[0])
    if not alike:
        return None
    intent = intent_of(mirror.tenant_id, asked.text, asked.language)
    return next(((kept.pk, score) for score, kept in alike if same_intent(intent, kept.intent)), None)


def intent_of(tenant_id: int, question: str, language: str) -> str:
    """Return the first intent of a question; empty when there is none that is sure."""
    from agents.routing.intents import understand

    intents = understand(tenant_id, question, language=language).intents
    return intents[0].name if intents and intents[0].score >= SURE else ""


def same_intent(one: str, other: str) -> bool:
    """Return whether two questions may want the same: nothing is known of an intent that is not sure."""
    return one == other or not one or not other


def _read(mirror: Mirror, pk: int, similarity: float) -> Given | None:
    """Read an answer, if it may still be given now: not dropped, of today's documents, and these visible."""
    with tenant_scope(mirror.tenant_id):
        knowledge = read_knowledge()
        scope = scope_of(mirror.base, knowledge)
        row = CachedAnswer.objects.filter(pk=pk, scope=scope, dropped_at=None).first()
        visible = row is not None and live_documents().filter(pk__in=row.documents).count() == len(set(row.documents))
    if row is None or not visible:
        mirror.forget(pk)
        if knowledge != mirror.knowledge:
            mirror.until = 0.0
        return None
    return Given(pk, similarity, row.question, row.reply, row.answer, row.cost)
