"""Changes to evaluation sets and their questions. All need a tenant scope; all are audited."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from knowledge.models import EvaluationCase, EvaluationSet
from tenants.scope import current_tenant_id
from tenants.services import record_audit

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable, Sequence

    from knowledge.evaluation.importing import NewCase

FIRST = "Reviewed replies"
"""The set that a question of a reviewer's goes to where there is none yet."""
AT_ONCE = 1_000  # rows of one statement
CHANGING = ("expected", "expected_answer", "note", "changed_at")


@transaction.atomic
def create_set(*, name: str, actor: str, description: str = "", cases: Iterable[NewCase] = ()) -> EvaluationSet:
    """A new set; its name must be free."""
    made: EvaluationSet = EvaluationSet.objects.create(name=name, description=description)
    record_audit(actor=actor, action="evaluation.set_created", target=name)
    if listed := list(cases):
        add_cases(evaluation_set=made, cases=listed, actor=actor)
    return made


@transaction.atomic
def add_cases(*, evaluation_set: EvaluationSet, cases: Sequence[NewCase], actor: str) -> int:
    """Add questions to a set; one that is there already, word for word, takes the place of its old self.

    Returns:
        How many are new.
    """
    kept = EvaluationCase.objects.filter(set=evaluation_set, question__in={case.question for case in cases})
    known = {case.question: case for case in kept}
    fresh = {case.question: _row(evaluation_set, case) for case in cases if case.question not in known}
    changed = [
        known[case.question] for case in cases if case.question in known and _changed(known[case.question], case)
    ]
    EvaluationCase.objects.bulk_update(changed, CHANGING, batch_size=AT_ONCE)
    EvaluationCase.objects.bulk_create(fresh.values(), batch_size=AT_ONCE)
    detail: dict[str, object] = {"new": len(fresh), "all": len(cases)}
    record_audit(actor=actor, action="evaluation.cases_added", target=str(evaluation_set), detail=detail)
    return len(fresh)


@transaction.atomic
def add_reviewed_case(
    *, evaluation_set: EvaluationSet, case: NewCase, source: uuid.UUID, actor: str
) -> tuple[EvaluationCase, bool]:
    """The question that a reviewed reply answered; done twice it is still one, with what was said last.

    Returns:
        The case, and whether it is new.
    """
    EvaluationSet.objects.select_for_update(no_key=True).get(pk=evaluation_set.pk)  # one reviewer at a time
    old = EvaluationCase.objects.filter(set=evaluation_set, source=source).first()
    if old is not None:
        if _changed(old, case):
            old.save()
        return old, False
    row = _row(evaluation_set, case)
    row.source = source
    row.save()
    detail: dict[str, object] = {"reply": str(source)}
    record_audit(actor=actor, action="evaluation.case_added", target=str(evaluation_set), detail=detail)
    return row, True


def first_set(*, actor: str) -> EvaluationSet:
    """The tenant's first set; made where there is none."""
    found: EvaluationSet | None = EvaluationSet.objects.first()
    return found or create_set(name=FIRST, actor=actor, description="Questions from replies that were reviewed.")


def forget_sources(*, replies: Iterable[uuid.UUID]) -> int:
    """Delete the questions that were taken from these replies, whose customer is to be erased; return how many."""
    _, by_model = EvaluationCase.objects.filter(source__in=list(replies)).delete()
    return int(by_model.get("knowledge.EvaluationCase", 0))


def _row(evaluation_set: EvaluationSet, case: NewCase) -> EvaluationCase:
    return EvaluationCase(
        tenant_id=current_tenant_id(),
        set=evaluation_set,
        question=case.question,
        expected=[expected.as_row() for expected in case.expected],
        expected_answer=case.answer,
        note=case.note,
    )


def _changed(old: EvaluationCase, case: NewCase) -> bool:
    """Give a question what is said of it now; whether that is anything else."""
    before = (old.question, old.expected, old.expected_answer)
    old.question, old.expected = case.question, [expected.as_row() for expected in case.expected]
    old.expected_answer, old.note, old.changed_at = case.answer, case.note or old.note, timezone.now()
    return before != (old.question, old.expected, old.expected_answer)
