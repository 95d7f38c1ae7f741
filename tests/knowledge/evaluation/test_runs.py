"""Runs from beginning to end: what they ask, what they keep, and how they end."""

import pytest

from knowledge import services
from knowledge.embedding.base import EmbedderError
from knowledge.evaluation import runs
from knowledge.evaluation.answers import ANSWERERS, Answered
from knowledge.evaluation.runs import carry_out, create_run, stop_run
from knowledge.models import EvaluationCase, EvaluationResult, EvaluationRun, EvaluationSet
from tenants.scope import tenant_scope

pytestmark = pytest.mark.django_db

RETURNS = "You have 30 days to return a laptop. Opened boxes are fine."
SHIPPING = "Parcels arrive within two days. Islands take a week."


@pytest.fixture
def cases(tenant, add):
    """A set of questions about two documents; returns a function that adds one."""
    add("returns", RETURNS)
    add("shipping", SHIPPING)
    with tenant_scope(tenant.pk):
        found = EvaluationSet.objects.create(name="Basics")

    def case(question, *expected, answer=""):
        with tenant_scope(tenant.pk):
            rows = [{"document": e} if isinstance(e, str) else e for e in expected]
            return EvaluationCase.objects.create(set=found, question=question, expected=rows, expected_answer=answer)

    case.set = found
    return case


def run_of(tenant, evaluation_set, **options):
    values = {"candidate": {}, "label": "", "with_answers": False, "actor": "cora"} | options
    with tenant_scope(tenant.pk):
        return create_run(evaluation_set=evaluation_set, **values)


def finished(tenant, run):
    carry_out(tenant.pk, run.pk)
    with tenant_scope(tenant.pk):
        run.refresh_from_db()
        return run, list(EvaluationResult.objects.filter(run=run).order_by("case"))


def test_a_run_asks_every_question_and_sums_up(tenant, cases):
    cases("How many days to return a laptop?", "returns")
    cases("When do parcels arrive?", "returns")
    run, results = finished(tenant, run_of(tenant, cases.set))
    assert (run.state, run.progress, run.counts["asked"]) == ("done", 100, 2)
    assert run.metrics["recall@1"] == 0.5
    assert run.metrics["mrr@10"] == 0.75
    low, high = run.intervals["recall@1"]
    assert 0 < low < 0.5 < high < 1
    assert set(run.latency) == {"p50", "p95"}
    assert run.knowledge_version > 0
    assert [row["document"] for row in results[1].ranking] == ["shipping", "returns"]


def test_a_passage_must_hold_the_quote(tenant, cases):
    cases("return a laptop", {"document": "returns", "quote": "OPENED   boxes\nare fine"})
    cases("return a laptop", {"document": "returns", "quote": "sealed boxes"})
    _, results = finished(tenant, run_of(tenant, cases.set))
    assert [result.measures["recall@1"] for result in results] == [1.0, 0.0]


def test_documents_that_are_gone_are_no_misses(tenant, cases, add):
    old = add("old", "The old terms.")
    cases("How many days to return a laptop?", "returns", "old", "never")
    cases("The old terms?", "old")
    with tenant_scope(tenant.pk):
        services.archive([old], actor="cora")
    run, results = finished(tenant, run_of(tenant, cases.set))
    assert run.metrics["recall@1"] == 1.0
    assert run.counts == {"asked": 2, "left_out": 1, "failed": 0}
    assert [result.missing for result in results] == [["old", "never"], ["old"]]


def test_nothing_to_measure_is_said(tenant, cases):
    run, _ = finished(tenant, run_of(tenant, cases.set))
    assert (run.state, run.error) == ("failed", "The set has no questions that are switched on.")
    cases("Who?", "nobody")
    run, _ = finished(tenant, run_of(tenant, cases.set))
    assert run.state == "failed"
    assert "look at what they expect" in run.error


def test_a_killed_run_goes_on_without_asking_twice(tenant, cases, monkeypatch):
    for number in range(5):
        cases(f"How many days to return a laptop? {number}", "returns")
    run, asked, ask = run_of(tenant, cases.set), [], runs._Asking.ask

    def dies(self, case):
        if len(asked) == 3:
            asked.append(None)
            raise KeyboardInterrupt
        asked.append(case.pk)
        return ask(self, case)

    monkeypatch.setattr(runs, "AT_ONCE", 2)
    monkeypatch.setattr(runs._Asking, "ask", dies)
    with pytest.raises(KeyboardInterrupt):
        carry_out(tenant.pk, run.pk)
    asked.remove(None)
    del asked[2:]  # asked, but not yet kept
    asked += [0] * 10  # no more deaths
    run, results = finished(tenant, run)
    assert (run.state, len(results)) == ("done", 5)
    assert len(asked) == 12 + 3
    assert len(set(asked) - {0}) == 5


def test_a_slice_pauses_and_a_stopped_run_stays_so(tenant, cases, monkeypatch):
    for number in range(3):
        cases(f"laptop {number}", "returns")
    monkeypatch.setattr(runs, "AT_ONCE", 1)
    run = run_of(tenant, cases.set)
    carry_out(tenant.pk, run.pk, seconds=0)
    with tenant_scope(tenant.pk):
        run.refresh_from_db()
        assert (run.state, run.progress) == ("running", 33)
        assert stop_run(run=run)
        assert not stop_run(run=run)
    run, results = finished(tenant, run)
    assert (run.state, len(results)) == ("stopped", 1)


def test_cases_and_runs_may_go_while_they_are_asked(tenant, cases, monkeypatch):
    kept, gone = cases("laptop", "returns"), cases("parcels", "shipping")
    run, find = run_of(tenant, cases.set), runs.find

    def deletes(*args):
        with tenant_scope(tenant.pk):
            EvaluationCase.objects.filter(pk=gone.pk).delete()
        return find(*args)

    monkeypatch.setattr(runs, "find", deletes)
    run, results = finished(tenant, run)
    assert [result.case_id for result in results] == [kept.pk]
    with tenant_scope(tenant.pk):
        EvaluationRun.objects.all().delete()
    carry_out(tenant.pk, run.pk)


def test_an_embedder_that_fails_fails_the_run(tenant, cases, monkeypatch):
    cases("laptop", "returns")

    def broken(*_):
        raise EmbedderError("The embedding server cannot be reached.")

    monkeypatch.setattr(runs, "find", broken)
    run, _ = finished(tenant, run_of(tenant, cases.set))
    assert (run.state, run.error) == ("failed", "The embedding server cannot be reached.")


def test_a_surprise_fails_the_run_in_plain_words(tenant, cases, monkeypatch):
    cases("laptop", "returns")
    monkeypatch.setattr(runs, "find", lambda *_: 1 / 0)
    run, _ = finished(tenant, run_of(tenant, cases.set))
    assert (run.state, run.error) == ("failed", runs.BROKEN)


def test_answers_are_asked_for_and_kept(tenant, cases, monkeypatch):
    def parrot(_tenant_id, question, expected, candidate):
        return Answered(f"{question} {expected} {candidate}", {"faithfulness": 0.25})

    monkeypatch.setattr(ANSWERERS, "answering", parrot)
    cases("laptop", "returns", answer="30 days")
    run, [result] = finished(tenant, run_of(tenant, cases.set, with_answers=True))
    assert result.answer == "laptop 30 days {}"
    assert run.metrics["faithfulness"] == 0.25


def test_long_questions_are_asked_as_well(tenant, cases):
    cases("laptop " * 10_000, "returns")
    run, _ = finished(tenant, run_of(tenant, cases.set))
    assert run.metrics["recall@1"] == 1.0


def test_another_tenants_run_is_not_there(tenant, other_tenant, cases):
    cases("laptop", "returns")
    run = run_of(tenant, cases.set)
    carry_out(other_tenant.pk, run.pk)
    with tenant_scope(tenant.pk):
        run.refresh_from_db()
    assert run.state == "queued"
