"""Runs in a worker: begun, gone on with, found again when forgotten, begun every night; and by the command."""

import datetime as dt
import json

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from knowledge.evaluation import jobs, runs
from knowledge.evaluation.expectations import Expected
from knowledge.evaluation.importing import NewCase
from knowledge.evaluation.services import create_set
from knowledge.models import EvaluationResult, EvaluationRun
from tenants.scope import tenant_scope

pytestmark = pytest.mark.django_db


@pytest.fixture
def basics(tenant, add):
    add("returns", "You have 30 days to return a laptop.")
    add("shipping", "Parcels arrive within two days.")
    with tenant_scope(tenant.pk):
        cases = [NewCase("return a laptop", (Expected("returns"),)), NewCase("parcels", (Expected("returns"),))]
        return create_set(name="Basics", cases=cases, actor="cora")


def waiting():
    return ProcrastinateJob.objects.filter(task_name=jobs.EVALUATE, status="todo").count()


def test_a_slice_asks_for_the_next(tenant, basics, monkeypatch):
    monkeypatch.setattr(runs, "AT_ONCE", 1)
    monkeypatch.setattr(jobs, "SLICE", 0.0)
    with tenant_scope(tenant.pk):
        run = jobs.start_run(evaluation_set=basics, label="", with_answers=False, actor="cora")
    states = []
    for _ in range(3):
        ProcrastinateJob.objects.filter(task_name=jobs.EVALUATE).update(status="succeeded")
        jobs.evaluate(tenant.pk, run.pk)
        with tenant_scope(tenant.pk):
            run.refresh_from_db()
        states.append((run.state, run.progress, waiting()))
    assert states == [("running", 50, 1), ("running", 100, 1), ("done", 100, 0)]


def test_forgotten_runs_are_asked_for_again(tenant, basics):
    with tenant_scope(tenant.pk):
        run = runs.create_run(evaluation_set=basics, candidate={}, label="", with_answers=False, actor="cora")
        assert jobs.forgotten_runs() == []
        EvaluationRun.objects.update(changed_at=timezone.now() - dt.timedelta(minutes=5))
        assert jobs.forgotten_runs() == [run.pk]
    jobs.recover_periodically(0)
    jobs.recover_periodically(0)
    assert waiting() == 1
    with tenant_scope(tenant.pk):
        assert jobs.forgotten_runs() == []


def test_a_stopped_run_goes_on(tenant, basics):
    with tenant_scope(tenant.pk):
        run = runs.create_run(evaluation_set=basics, candidate={}, label="", with_answers=False, actor="cora")
        runs.stop_run(run=run)
        jobs.retry_run(run)
        run.refresh_from_db()
        assert run.state == "queued"
    assert waiting() == 1


def test_sets_are_asked_every_night_where_that_is_wanted(tenant, basics, monkeypatch):
    jobs.evaluate_nightly(0)
    assert waiting() == 0
    with tenant_scope(tenant.pk):
        basics.nightly = True
        basics.save()
    jobs.evaluate_nightly(0)
    jobs.evaluate_nightly(0)  # the run before is still under way
    assert waiting() == 1
    monkeypatch.setattr(jobs, "KEPT", 0)
    with tenant_scope(tenant.pk):
        run = EvaluationRun.objects.get()
        assert (run.scheduled, run.label) == (True, "Nightly")
    runs.carry_out(tenant.pk, run.pk)
    jobs.evaluate_nightly(0)
    with tenant_scope(tenant.pk):
        assert EvaluationRun.objects.count() == 2
        assert not EvaluationResult.objects.exists()
        assert EvaluationRun.objects.get(pk=run.pk).metrics["recall@1"] == 0.5


def test_the_command_runs_a_stored_set(tenant, basics, capsys):
    call_command("evaluate", "acme", "--set", "Basics", "--json", "--fail-under", "recall@1=.5")
    found = json.loads(capsys.readouterr().out)
    assert (found["metrics"]["recall@1"], found["queries"]) == (0.5, 2)
    with pytest.raises(SystemExit) as ended:
        call_command("evaluate", "acme", "--set", "Basics", "--fail-under", "recall@1=.6")
    assert ended.value.code == 2
    assert "recall@1 is 0.5000, below 0.6" in capsys.readouterr().err


def test_the_command_says_what_is_wrong(tenant, basics):
    with pytest.raises(CommandError, match="There are: Basics"):
        call_command("evaluate", "acme", "--set", "Others")
    with pytest.raises(CommandError, match="Give either"):
        call_command("evaluate", "acme")
    with pytest.raises(CommandError, match="is no measure"):
        call_command("evaluate", "acme", "--set", "Basics", "--fail-under", "luck=.5")
