"""Two runs side by side: what changed, and which questions are left out."""

import pytest
from django.utils import timezone

from knowledge.evaluation.comparison import compare
from knowledge.evaluation.wording import verdict
from knowledge.models import EvaluationCase, EvaluationResult, EvaluationRun, EvaluationSet

pytestmark = pytest.mark.django_db


@pytest.fixture
def questions(scope):
    made = EvaluationSet.objects.create(name="Basics")
    rows = [EvaluationCase(tenant=scope, set=made, question=f"Q{n}", expected=[{"document": "a"}]) for n in range(20)]
    return EvaluationCase.objects.bulk_create(rows)


def run_of(questions, values, measure="recall@10"):
    run = EvaluationRun.objects.create(set=questions[0].set, state="running")
    for case, value in zip(questions, values, strict=False):
        measures = {measure: value, "recall@10": float(value > 0), "recall@5": value, "ndcg@10": value}
        EvaluationResult.objects.create(run=run, case=case, measures=measures, ms=1.0)
    return run


def test_questions_are_lost_worse_better_and_gained(questions):
    before = run_of(questions, [1.0, 1.0, 0.5, 0.0, 1.0])
    after = run_of(questions, [0.0, 0.5, 1.0, 1.0, 1.0])
    found = compare(before, after, "ndcg@10")
    assert [(change.kind, change.case) for change in found.changes] == [
        (kind, questions[n].pk) for n, kind in enumerate(["lost", "worse"])
    ] + [("gained", questions[3].pk), ("better", questions[2].pk)]
    assert found.counts == {"lost": 1, "worse": 1, "gained": 1, "better": 1, "same": 1}
    assert verdict(found.differences["ndcg@10"]) == "2 questions got worse, 2 better: this may be chance."


def test_questions_that_changed_meanwhile_are_left_out(questions):
    before = run_of(questions, [1.0, 1.0, 1.0])
    EvaluationCase.objects.filter(pk=questions[0].pk).update(changed_at=timezone.now())
    after = run_of(questions, [0.0, 1.0])
    found = compare(before, after, "recall@5")
    assert (found.edited, found.only_one) == (1, 1)
    assert verdict(found.differences["recall@5"]) == "None of 1 question changed."
