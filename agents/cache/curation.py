"""What people make of answers that were given again: right, or wrong and dropped for all. Needs the tenant's scope."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from agents.models import CachedAnswer, CacheHit
from tenants.services import record_audit

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from django.contrib.auth.models import User


def hit_of(reply: UUID) -> CacheHit | None:
    """Return what a reply was given from; None when it was made anew."""
    hit: CacheHit | None = CacheHit.objects.select_related("cached", "judged_by").filter(reply=reply).first()
    return hit


@transaction.atomic
def judge_hit(*, hit: CacheHit, right: bool, reviewer: User) -> None:
    """Keep a reviewer's word on a hit; a wrong one drops its answer, which nobody is given any more.

    A customer's thumb down alone decides nothing: people dislike right answers, too.
    """
    CacheHit.objects.filter(pk=hit.pk).update(right=right, judged_by=reviewer)
    if not right and hit.cached_id is not None:
        drop_answers(ids=[hit.cached_id], actor=reviewer.get_username())
    record_audit(
        actor=reviewer.get_username(),
        action="cache.confirmed" if right else "cache.rejected",
        target=f"reply {hit.reply}",
        detail={"similarity": hit.similarity},
    )


@transaction.atomic
def drop_answers(*, ids: Collection[int], actor: str) -> int:
    """Drop answers: no process gives them again. Returns how many were still alive."""
    alive = list(CachedAnswer.objects.filter(pk__in=ids, dropped_at=None).values_list("pk", flat=True))
    CachedAnswer.objects.filter(pk__in=alive).update(dropped_at=timezone.now())
    for pk in alive:
        record_audit(actor=actor, action="cache.dropped", target=f"cached answer {pk}")
    return len(alive)


def erase_answers(*, replies: Collection[UUID]) -> tuple[int, int]:
    """Delete what was kept of these replies; returns how many answers and how many notes of hits."""
    hits = CacheHit.objects.filter(reply__in=replies).delete()[0]
    answers = CachedAnswer.objects.filter(reply__in=replies).delete()[0]
    return answers, hits
