"""What customers asked and no document answers: from conversations into gaps, and off the list once it is answered.

A question counts where the assistant did not know, was not sure, or passed the customer on for want of an answer. Left
out are greetings and thanks, single words, abuse, and attempts to turn the assistant. Personal data is masked before
anything is compared or kept.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from agents.confidence import ANSWERABLE
from agents.guardrails.masking import masked_text
from agents.guardrails.signals import inspect
from agents.routing.shortcuts import find_shortcut
from agents.words import content_words
from chat.models import Handover, HandoverReason, Message, Role, State
from chat.reviewing import UNSURE
from knowledge import gaps
from knowledge.embedding.serving import serving_embedder
from knowledge.models import Gap, ReportSettings
from knowledge.retrieval.search import search
from tenants.models import Tenant
from tenants.scope import current_tenant_id, tenant_scope

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet

    from knowledge.embedding.base import Embedder

AT_ONCE = 500  # questions looked at in one go
FIRST = dt.timedelta(days=90)  # what the first look goes back
HANDED_OVER = dt.timedelta(seconds=10)  # after a reply, in which a hand-over belongs to it
SETTLED = dt.timedelta(seconds=30)  # after which nothing that ended earlier is committed any more
LONGEST = 500  # characters of a question that are kept
FEWEST_WORDS = 2  # with a meaning of their own
BETTER = 0.05  # answerability by which a question finds more than when it was asked
SAMPLE = 10  # questions of a gap that are asked again
ANSWERED = 0.8  # share of them that closes it


def refresh(tenant_id: int) -> None:
    """Look at what was asked since the last time, and at whether open gaps are answered now; slow, opens its scopes.

    Harmless at any time: a question is never in two gaps, and what breaks off is done by the next one.
    """
    embedder = serving_embedder(tenant_id)
    _renew(tenant_id, embedder)
    while _take(tenant_id, embedder):
        pass
    _close_answered(tenant_id)


def _take(tenant_id: int, embedder: Embedder) -> bool:
    """Put the next questions into gaps; whether there may be more."""
    with tenant_scope(tenant_id):
        tenant = Tenant.objects.get(pk=tenant_id)
        since = ReportSettings.objects.values_list("looked_until", flat=True).first()
        replies = list(unanswered(since or timezone.now() - FIRST)[:AT_ONCE])
        known = gaps.known_messages()
    asked = [_question(reply) for reply in replies if str(reply.pk) not in known and _is_question(reply, tenant)]
    asked = [question for question in asked if not _finds_more(tenant_id, question.text, question.evidence)]
    vectors = embedder.encode_texts([question.text for question in asked]) if asked else None
    with tenant_scope(tenant_id):
        settings = _locked_settings()
        if settings.looked_until != since:
            return True  # somebody else has been here
        changed = gaps.gather(asked, vectors, embedder.name) if vectors is not None else []
        settings.looked_until = replies[-1].finished_at if replies else settings.looked_until
        settings.save(update_fields=["looked_until"])
    _name(tenant_id, changed, embedder)
    return len(replies) == AT_ONCE


def unanswered(since: dt.datetime) -> QuerySet[Message]:
    """The replies since then whose questions found nothing good, the first ones first; needs the tenant's scope."""
    handed = Handover.objects.filter(
        conversation=OuterRef("conversation"),
        reason=HandoverReason.KNOWLEDGE,
        created_at__gte=OuterRef("created_at"),
        created_at__lte=OuterRef("finished_at") + HANDED_OVER,
    )
    later = Message.objects.filter(
        conversation=OuterRef("conversation"),
        role=Role.ASSISTANT,
        created_at__gt=OuterRef("created_at"),
        created_at__lte=OuterRef("finished_at") + HANDED_OVER,
    )
    found: QuerySet[Message] = (
        Message.objects.filter(role=Role.ASSISTANT, state=State.DONE)
        .filter(finished_at__gt=since, finished_at__lte=timezone.now() - SETTLED)
        .filter(reply_to__action=None, conversation__deleted_at=None)
        .filter(
            Q(known=False)
            | Q(confidence__lt=UNSURE, trace__has_key="answerability")
            | (Exists(handed) & ~Exists(later))
        )
        .exclude(reply_to__text="")
        .select_related("reply_to")
        .annotate(
            rewritten=F("trace__rewritten"), evidence=F("trace__answerability"), careful=F("trace__input__careful")
        )
        .defer("trace", "reply_to__trace", "html", "citations", "cards")
        .order_by("finished_at", "pk")
    )
    return found


def _question(reply: Message) -> gaps.Question:
    """The question of a reply as it was searched for, without personal data."""
    assert reply.reply_to is not None  # noqa: S101 (only such replies are asked for)
    said = getattr(reply, "rewritten", None) or reply.reply_to.text
    text = masked_text(" ".join(str(said).split()))[:LONGEST]
    evidence = getattr(reply, "evidence", None)
    return gaps.Question(
        text, str(reply.pk), reply.reply_to.created_at, evidence if isinstance(evidence, float) else 0.0
    )


def _is_question(reply: Message, tenant: Tenant) -> bool:
    """Whether somebody wanted to know something that a document could say."""
    text = reply.reply_to.text if reply.reply_to else ""
    if getattr(reply, "careful", False):
        return False
    meant = getattr(reply, "rewritten", None) or text
    if find_shortcut(text, tenant.language) or len(content_words(str(meant))) < FEWEST_WORDS:
        return False
    signals = inspect(text, tenant.language)
    return not signals.careful and not signals.abuse


def _finds_more(tenant_id: int, text: str, evidence: float) -> bool:
    """Whether a question is answerable, and finds more than when it was asked: a model may have found that too thin."""
    return search(tenant_id, text, k=1).answerability >= max(ANSWERABLE, evidence + BETTER)


def _close_answered(tenant_id: int) -> None:
    """Take those gaps off the list of which most questions find an answer now."""
    with tenant_scope(tenant_id):
        rows = {gap.pk: gap.questions[:SAMPLE] for gap in Gap.objects.filter(state=Gap.State.OPEN)}
    closed = []
    for pk, questions in rows.items():
        found = [_finds_more(tenant_id, row["text"], row.get("evidence", 0.0)) for row in questions]
        if found and sum(found) >= ANSWERED * len(found):
            closed.append(pk)
    if closed:
        with tenant_scope(tenant_id):
            gaps.close(closed)


def _renew(tenant_id: int, embedder: Embedder) -> None:
    """Have the means of all gaps made by the model that serves."""
    with tenant_scope(tenant_id):
        old = gaps.outdated(embedder.name)
    for gap in old:
        vectors = embedder.encode_texts(gaps.texts_of(gap))
        with tenant_scope(tenant_id):
            gaps.renew(gap, vectors, embedder.name)


def _name(tenant_id: int, changed: Iterable[Gap], embedder: Embedder) -> None:
    """Call gaps by their most central question."""
    names = {gap.pk: gaps.name(gap, embedder) for gap in changed}
    with tenant_scope(tenant_id):
        for pk, name in names.items():
            Gap.objects.filter(pk=pk).update(label=name)


def _locked_settings() -> ReportSettings:
    ReportSettings.objects.bulk_create([ReportSettings(tenant_id=current_tenant_id())], ignore_conflicts=True)
    settings: ReportSettings = ReportSettings.objects.select_for_update().get()
    return settings
