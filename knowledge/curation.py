"""Changes to what curators say about searching: synonyms, curated answers, settings. All need a tenant scope.

All are audited, and move the knowledge version on so that every process sees them at once.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction

from knowledge import services, wordings
from knowledge.changes import record_search_change
from knowledge.models import CuratedAnswer, Document, SynonymGroup
from knowledge.readers.base import clean
from knowledge.sources import NewDocument
from tenants.scope import current_tenant_id
from tenants.services import record_audit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from django.db.models import Model

    from knowledge.retrieval.synonyms import Group

CATEGORY = "Curated answers"
MAX_WORDINGS = 50  # of one answer
MAX_WORDING = 300  # characters
MAX_ANSWER = 20_000  # characters


def save_answer(
    *, questions: Sequence[str], answer: str, enabled: bool, actor: str, curated: CuratedAnswer | None = None
) -> CuratedAnswer:
    """Keep an answer and the ways to ask for it; its document is made, or gets a new version, in the same transaction.

    Raises:
        ValidationError: there is no wording or no answer, or too much of them.
    """
    questions, answer = checked_questions(questions), _checked_answer(answer)
    with transaction.atomic():
        external_id = curated.document.external_id if curated else f"curated-answer-{uuid.uuid4()}"
        item = NewDocument(
            external_id=external_id, text=answer, title=questions[0], metadata={"category": CATEGORY}, publish=enabled
        )
        document = services.add_document(item, actor=actor).document
        if curated is None:
            curated = CuratedAnswer(document=document)
        elif document.title != questions[0]:
            services.set_metadata(document, {"title": questions[0]}, actor=actor)
        if curated.questions != questions:
            curated.vectors, curated.model = b"", ""
        action = "curated.edited" if curated.pk else "curated.added"
        curated.questions, curated.answer, curated.enabled = questions, answer, enabled
        curated.save()
        (services.restore if enabled else services.archive)([document], actor=actor)
        record_audit(actor=actor, action=action, target=str(curated), detail={"document": external_id})
        wordings.enqueue(current_tenant_id())
        record_search_change()
    return curated


def delete_answers(answers: Iterable[CuratedAnswer], *, actor: str) -> int:
    """Delete answers with their documents; returns how many."""
    gone = list(answers)
    services.delete(Document.objects.filter(curated_answer__in=[row.pk for row in gone]), actor=actor)
    for row in gone:
        record_audit(actor=actor, action="curated.deleted", target=str(row))
    record_search_change()
    return len(gone)


@transaction.atomic
def add_synonyms(groups: Sequence[Group], *, actor: str) -> int:
    """Keep groups of synonyms, but none twice; returns how many are new."""
    known = set(map(_same_group, SynonymGroup.objects.values_list("words", "one_way")))
    fresh = {_same_group(group): group for group in groups}
    rows = [
        SynonymGroup(tenant_id=current_tenant_id(), words=list(group.words), one_way=group.one_way)
        for key, group in fresh.items()
        if key not in known
    ]
    SynonymGroup.objects.bulk_create(rows)
    if rows:
        note_change(actor=actor, action="synonyms.imported", target=f"{len(rows)} groups")
    return len(rows)


def _same_group(group: tuple[Sequence[str], bool]) -> tuple[str | None, frozenset[str]]:
    """What two groups share that say the same: their words, and the first of them if it leads one way."""
    words, one_way = group
    return words[0].lower() if one_way else None, frozenset(word.lower() for word in words)


def note_change(*, actor: str, action: str, target: Model | str, detail: dict[str, object] | None = None) -> None:
    """Keep in the audit trail that synonyms or settings were changed, and tell every process."""
    record_audit(actor=actor, action=action, target=str(target), detail=detail)
    record_search_change()


def checked_questions(questions: Sequence[str]) -> list[str]:
    """Wordings as they are kept; raises ValidationError where there is none, or too much of them."""
    wanted = list(dict.fromkeys(text for question in questions if (text := " ".join(clean(question).split()))))
    if not wanted:
        raise ValidationError("Write at least one way in which customers ask.")
    if len(wanted) > MAX_WORDINGS:
        raise ValidationError(f"These are {len(wanted)} wordings; {MAX_WORDINGS} are the most. Keep the best of them.")
    long = next((text for text in wanted if len(text) > MAX_WORDING), None)
    if long:
        raise ValidationError(f"“{long[:40]}…” is longer than {MAX_WORDING} characters. Shorten it to the question.")
    return wanted


def _checked_answer(answer: str) -> str:
    answer = clean(answer).strip()
    if not answer:
        raise ValidationError("Write the answer.")
    if len(answer) > MAX_ANSWER:
        raise ValidationError(f"The answer is longer than {MAX_ANSWER:,} characters. Add a document instead.")
    return answer
