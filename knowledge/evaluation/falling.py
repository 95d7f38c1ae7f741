"""Whether a run fell below those before it, and by what: what curators are told when search got worse over night.

A run is compared with those of the week before it, not with the last one alone: what fell on Monday and stayed so is
still told on Friday, until it is mended or the week has passed.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import TYPE_CHECKING

from knowledge.evaluation.intervals import difference
from knowledge.evaluation.wording import fell
from knowledge.models import EvaluationCase, EvaluationResult, EvaluationRun, ReleaseGate

if TYPE_CHECKING:
    from collections.abc import Iterable

    Values = dict[int, dict[str, float]]  # by case, by measure
    Pair = tuple[list[float], list[float]]  # the values of the questions that two runs share: before, and now

WATCHED = ("recall@5", "ndcg@10")
"""Measures by which a run is said to have fallen."""
WEEK = dt.timedelta(days=7)
MOST_BEFORE = 14
"""Runs that one is compared with."""
SURE = 0.01
"""The p-value below which a fall within the tolerance is told: every night, .05 would cry wolf every few weeks."""
ROUNDING = 1e-9


def note_of(run: EvaluationRun, results: Iterable[EvaluationResult]) -> str:
    """A sentence for each measure that fell by more than the gate's tolerance, or than chance; needs the scope."""
    before = earlier_runs(run)
    now = {result.case_id: result.measures for result in results if result.measures}
    if not before or not now:
        return ""
    then, changed = _values(before), _changed(run)
    same = {one.pk: [case for case, at in changed.items() if at <= one.created_at] for one in before}
    tolerance = ReleaseGate.objects.values_list("tolerance", flat=True).first()
    allowed = ReleaseGate().tolerance if tolerance is None else tolerance
    notes = []
    for measure in WATCHED:
        pairs = [_shared(then[one.pk], now, measure, same[one.pk]) for one in before]
        if not (compared := [pair for pair in pairs if pair[0]]):
            continue
        found = difference(*max(compared, key=_lost))
        if found.by < -(allowed + ROUNDING) or (found.by < 0 and found.p < SURE):
            notes.append(fell(measure, found))
    return " ".join(notes)


def earlier_runs(run: EvaluationRun) -> list[EvaluationRun]:
    """The runs of the week before of the same set and of what served then, or the last one where there are none."""
    done = EvaluationRun.objects.filter(set=run.set_id, candidate={}, state=EvaluationRun.State.DONE, pk__lt=run.pk)
    return list(done.filter(created_at__gte=run.created_at - WEEK)[:MOST_BEFORE]) or list(done[:1])


def _values(runs: Iterable[EvaluationRun]) -> dict[int, Values]:
    values: dict[int, Values] = defaultdict(dict)
    rows = EvaluationResult.objects.filter(run__in=list(runs)).values_list("run", "case", "measures")
    for run, case, measures in rows:
        values[run][case] = measures
    return values


def _changed(run: EvaluationRun) -> dict[int, dt.datetime]:
    """When each question of the set was changed last."""
    return dict(EvaluationCase.objects.filter(set=run.set_id).values_list("pk", "changed_at"))


def _shared(then: Values, now: Values, measure: str, cases: Iterable[int]) -> Pair:
    """The values of those of these questions that both runs have."""
    both = [case for case in cases if measure in then.get(case, {}) and measure in now.get(case, {})]
    return [then[case][measure] for case in both], [now[case][measure] for case in both]


def _lost(pair: Pair) -> float:
    before, now = pair
    return (sum(before) - sum(now)) / len(before)
