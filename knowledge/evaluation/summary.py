"""What a run comes to: means with their intervals, and whether it fell."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from django.utils import timezone

from knowledge.evaluation.intervals import difference, interval
from knowledge.evaluation.rankings import latency
from knowledge.evaluation.wording import fell
from knowledge.models import EvaluationResult, EvaluationRun
from knowledge.models.documents import FINISHED

if TYPE_CHECKING:
    from collections.abc import Iterable

DIGITS = 6
WATCHED = ("recall@5", "ndcg@10")
"""Measures by which a run is said to have fallen."""
SURE = 0.01
"""The p-value below which it is said: a run every night would else cry wolf every few weeks."""
NOTHING = "None of the questions has a document that can be found: look at what they expect."
NO_QUESTIONS = "The set has no questions that are switched on."


def summarise(run_id: int) -> None:
    """Sum up a run all of whose questions were asked, and end it; needs the tenant's scope. Harmless twice."""
    run = EvaluationRun.objects.select_for_update().filter(pk=run_id, state=EvaluationRun.State.RUNNING).first()
    if run is None:
        return
    results = list(EvaluationResult.objects.filter(run=run).defer("ranking", "answer").order_by("case"))
    values = _by_measure(results)
    run.metrics = {name: round(sum(found) / len(found), DIGITS) for name, found in values.items()}
    run.intervals = {name: [round(end, DIGITS) for end in interval(found)] for name, found in values.items()}
    run.latency = latency([result.ms for result in results]) if results else {}
    run.counts = _counts(results)
    run.state, run.error = EvaluationRun.State.DONE, ""
    if not values:
        run.state, run.error = EvaluationRun.State.FAILED, NOTHING if results else NO_QUESTIONS
    run.progress, run.finished_at = FINISHED, timezone.now()
    run.note = _note(run, results) if values and not run.candidate else ""
    run.save()


def previous_run(run: EvaluationRun) -> EvaluationRun | None:
    """The run before of the same set and of what served then; needs the tenant's scope."""
    before: EvaluationRun | None = EvaluationRun.objects.filter(
        set=run.set_id, candidate={}, state=EvaluationRun.State.DONE, pk__lt=run.pk
    ).first()
    return before


def _by_measure(results: Iterable[EvaluationResult]) -> dict[str, list[float]]:
    values: dict[str, list[float]] = defaultdict(list)
    for result in results:
        for name, value in {**result.measures, **result.answer_measures}.items():
            values[name].append(value)
    return values


def _counts(results: list[EvaluationResult]) -> dict[str, int]:
    return {
        "asked": len(results),
        "left_out": sum(bool(result.missing) and not result.measures for result in results),
        "failed": sum(bool(result.failed) for result in results),
    }


def _note(run: EvaluationRun, results: Iterable[EvaluationResult]) -> str:
    """A sentence for each measure that fell by more than chance since the run before."""
    before = previous_run(run)
    if before is None:
        return ""
    now = {result.case_id: result.measures for result in results if result.measures}
    then = {
        case: measures
        for case, measures in EvaluationResult.objects.filter(run=before).values_list("case", "measures")
        if measures and case in now
    }
    notes = []
    for name in WATCHED if then else ():
        found = difference([then[case][name] for case in then], [now[case][name] for case in then])
        if found.by < 0 and found.p < SURE:
            notes.append(fell(name, found))
    return " ".join(notes)
