"""Keeping answers, giving them again word for word, and noting each time that one was given."""

from __future__ import annotations

import logging
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import Error as DatabaseError
from django.db import transaction
from django.db.models import F

from agents import memory
from agents.cache.eligibility import may_keep
from agents.cache.lookup import as_asked, intent_of
from agents.cache.mirror import KEPT, Kept, mirror_of
from agents.cache.scope import base_of, read_knowledge, scope_of
from agents.events import Answer, Citation
from agents.llm.base import Usage
from agents.models import CachedAnswer, CacheHit
from knowledge.embedding.base import EmbedderError, get_embedder
from tenants.scope import in_tenant, in_thread, tenant_scope

if TYPE_CHECKING:
    from agents.cache.lookup import Asked, Given
    from agents.cache.scope import Knowledge
    from agents.context import Turn
    from agents.preparation import Prepared

log = logging.getLogger(__name__)


async def keep(turn: Turn, prepared: Prepared, answer: Answer) -> None:
    """Keep an answer for others who ask the same, if it may be kept."""
    if not may_keep(turn, prepared, answer):
        return
    asked = as_asked(turn.question, turn.language)
    if asked.features is None or asked.features.relative:
        return
    try:
        await in_thread(_keep, turn, base_of(turn, prepared), asked, answer)
    except (DatabaseError, EmbedderError) as error:  # the customer has the answer all the same
        log.warning("An answer could not be kept: %s", error)


async def note_hit(turn: Turn, given: Given) -> None:
    """Note that an answer was given again."""
    if not turn.reply:
        return
    try:
        await in_tenant(turn.tenant_id, _note, turn, given)
    except DatabaseError as error:  # the customer has the answer all the same
        log.warning("A hit of the answer cache could not be noted: %s", error)


def record_of(answer: Answer) -> dict[str, Any]:
    """Return what is kept of an answer."""
    return {
        "text": answer.text, "citations": [asdict(citation) for citation in answer.citations],
        "confidence": answer.confidence, "intents": list(answer.intents), "model": answer.model,
    }  # fmt: skip


def given_answer(turn: Turn, given: Given, trace: dict[str, Any]) -> Answer:
    """Return an answer as it is given again: the same text and sources, at no cost."""
    kept = given.answer
    citations = tuple(
        Citation(**{**citation, "span": (citation["span"][0], citation["span"][1])}) for citation in kept["citations"]
    )
    titles = [citation.title for citation in citations]
    return Answer(
        text=kept["text"],
        citations=citations,
        confidence=kept["confidence"],
        intents=tuple(kept["intents"]),
        usage=Usage(estimated=False),
        cached=True,
        model=kept["model"],
        summary=memory.running_summary(turn.summary, turn.question, titles),
        trace=trace | {"cache": given.as_record(), "model": kept["model"], "confidence": kept["confidence"]},
    )


def _keep(turn: Turn, base: str, asked: Asked, answer: Answer) -> None:
    assert asked.features is not None  # noqa: S101 (the caller looked)
    vector = get_embedder().encode_query(asked.text).vector
    intent = intent_of(turn.tenant_id, asked.text, turn.language)
    with tenant_scope(turn.tenant_id):
        knowledge = read_knowledge()
        scope = scope_of(base, knowledge)
        if CachedAnswer.objects.filter(scope=scope, digest=asked.digest, dropped_at=None).exists():
            return
        row = CachedAnswer.objects.create(
            tenant_id=turn.tenant_id,
            scope=scope,
            digest=asked.digest,
            question=asked.text,
            vector=vector.tolist(),
            intent=intent,
            features=asked.features.as_json(),
            answer=record_of(answer),
            documents=sorted({citation.document_id for citation in answer.citations}),
            cost=answer.cost,
            reply=UUID(turn.reply) if turn.reply else None,
        )
        _make_room()
    _mirror(turn.tenant_id, base, knowledge, Kept(row.pk, asked.digest, asked.features, vector, intent))


def _mirror(tenant_id: int, base: str, knowledge: Knowledge, kept: Kept) -> None:
    """Let this process find the answer at once."""
    mirror = mirror_of(tenant_id, base)
    if mirror.knowledge == knowledge:
        mirror.add(kept)


def _make_room() -> None:
    """Delete the oldest answers beyond `KEPT`, whatever they depend on."""
    beyond = CachedAnswer.objects.order_by("-pk").values_list("pk", flat=True)[KEPT : KEPT + 1].first()
    if beyond is not None:
        CachedAnswer.objects.filter(pk__lte=beyond).delete()


def _note(turn: Turn, given: Given) -> None:
    with transaction.atomic():
        CachedAnswer.objects.filter(pk=given.cached).update(hits=F("hits") + 1)
        there = CachedAnswer.objects.filter(pk=given.cached).exists()
        CacheHit.objects.update_or_create(
            reply=UUID(turn.reply),
            defaults={"question": turn.question, "similarity": given.similarity, "saved": given.saved},
            create_defaults={
                "tenant_id": turn.tenant_id, "cached_id": given.cached if there else None, "question": turn.question,
                "similarity": given.similarity, "saved": given.saved,
            },
        )  # fmt: skip
