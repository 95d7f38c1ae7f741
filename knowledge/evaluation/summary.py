"""What a run comes to: means with their intervals, and whether it fell."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from django.utils import timezone

from knowledge.evaluation.falling import note_of
from knowledge.evaluation.intervals import interval
from knowledge.evaluation.rankings import latency
from knowledge.models import EvaluationResult, EvaluationRun
from knowledge.models.documents import FINISHED

if TYPE_CHECKING:
    from collections.abc import Iterable

DIGITS = 6
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
    run.note = note_of(run, results) if values and not run.candidate else ""
    run.save()


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
