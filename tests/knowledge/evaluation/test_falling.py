"""The note of a run that fell: below which runs, by how much, and for how long it is told."""

import datetime as dt

import pytest
from django.utils import timezone

from knowledge.admin.evaluation.reading import fallen_sets
from knowledge.admin.waiting import waiting
from knowledge.evaluation.summary import summarise
from knowledge.models import EvaluationCase, EvaluationResult, EvaluationRun, EvaluationSet, ReleaseGate
from tenants.models import Role
from tenants.scope import tenant_scope
from tests.conftest import person

pytestmark = pytest.mark.django_db
GOOD, ONE_LOST = [1.0] * 20, [0.0] + [1.0] * 19


@pytest.fixture
def questions(scope):
    made = EvaluationSet.objects.create(name="Basics")
    rows = [EvaluationCase(tenant=scope, set=made, question=f"Q{n}", expected=[{"document": "a"}]) for n in range(20)]
    return EvaluationCase.objects.bulk_create(rows)


@pytest.fixture
def asked(questions):
    """A run of these values, so many days ago; returns its note."""

    def asked(values, *, days=0, candidate=None):
        run = EvaluationRun.objects.create(set=questions[0].set, state="running", candidate=candidate or {})
        for case, value in zip(questions, values, strict=True):
            measures = {"recall@5": value, "ndcg@10": value}
            EvaluationResult.objects.create(run=run, case=case, measures=measures, ms=1.0)
        EvaluationRun.objects.filter(pk=run.pk).update(created_at=timezone.now() - dt.timedelta(days=days))
        summarise(run.pk)
        run.refresh_from_db()
        return run.note

    EvaluationCase.objects.update(changed_at=timezone.now() - dt.timedelta(days=90))
    return asked


def test_a_fall_beyond_the_tolerance_is_told_until_it_is_mended(asked):
    assert asked(GOOD, days=3) == ""
    told = "Recall@5 fell from 1.000 to .950: 1 question got worse and 0 better."
    assert asked(ONE_LOST, days=2).startswith(told)
    assert asked(ONE_LOST, days=1).startswith(told)  # the run before was no better, that of the week was
    assert [(found.name, waiting().fallen) for found in fallen_sets()] == [("Basics", 1)]
    assert asked(GOOD) == ""
    assert waiting().fallen == 0
    assert not waiting().any


def test_after_a_week_it_is_how_things_are(asked):
    asked(GOOD, days=30)
    assert asked(ONE_LOST, days=20)  # with no run in the week before, the last one counts
    assert asked(ONE_LOST, days=5) == ""


def test_within_the_tolerance_only_what_chance_does_not_explain_is_told(asked):
    ReleaseGate.objects.create(tolerance=0.6)
    asked(GOOD, days=2)
    assert asked(ONE_LOST, days=1) == ""
    assert "Recall@5 fell from 1.000 to .400: 12 questions got worse" in asked([0.0] * 12 + [1.0] * 8)


def test_questions_that_were_changed_in_between_do_not_count(asked, questions):
    asked(GOOD, days=2)
    EvaluationCase.objects.filter(pk=questions[0].pk).update(changed_at=timezone.now() - dt.timedelta(days=1))
    assert asked(ONE_LOST) == ""


def test_a_change_that_was_only_tried_is_no_fall(asked):
    asked(GOOD, days=1)
    assert asked(ONE_LOST, candidate={"weights": {"dense": 0.0}}) == ""


def test_curators_see_it_on_the_first_page(asked, scope, client):
    asked(GOOD, days=1)
    asked(ONE_LOST)
    client.force_login(person(scope, "cora", Role.CURATOR))
    with tenant_scope(scope.pk):
        assert "Evaluation set fell" in client.get("/admin/").content.decode()
    client.force_login(person(scope, "rita", Role.REVIEWER))
    assert "Evaluation set fell" not in client.get("/admin/").content.decode()
