"""Two runs side by side: what differs by more than chance, and which questions changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from knowledge.evaluation.intervals import Difference, difference
from knowledge.models import EvaluationCase, EvaluationResult

if TYPE_CHECKING:
    from collections.abc import Mapping

    from knowledge.models import EvaluationRun

FOUND = "recall@10"
"""A question is lost, or gained, when nothing it should find is among so many first any more, or is now."""
LOST, WORSE, BETTER, GAINED, SAME = "lost", "worse", "better", "gained", "same"
ORDER = (LOST, WORSE, GAINED, BETTER, SAME)
Values = dict[int, dict[str, float]]
"""Value by measure by case."""


@dataclass(frozen=True, slots=True)
class Change:
    """A question by one measure: its value in both runs, and which of `ORDER` it is."""

    case: int
    before: float
    after: float
    kind: str

    @property
    def by(self) -> float:
        """What it rose by."""
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs.

    Attributes:
        differences: by measure, of the questions that both have a value for.
        changes: of the questions that did not stay the same, by the measure that was asked for: the worst first.
        counts: questions by kind.
        edited: questions that were changed between the runs, which are left out.
        only_one: questions that only one of the runs has.
    """

    differences: dict[str, Difference]
    changes: list[Change]
    counts: dict[str, int]
    edited: int
    only_one: int


def compare(before: EvaluationRun, after: EvaluationRun, measure: str) -> Comparison:
    """Compare two runs question by question, `measure` says which changed; needs the tenant's scope."""
    first, second = _values(before), _values(after)
    shared = first.keys() & second.keys()
    started, ended = sorted([before.created_at, after.created_at])
    edited = set(
        EvaluationCase.objects.filter(pk__in=shared, changed_at__gt=started, changed_at__lte=ended).values_list(
            "pk", flat=True
        )
    )
    cases = sorted(shared - edited)
    changes = [
        _change(case, first[case], second[case], measure) for case in cases if _both(first, second, case, measure)
    ]
    ordered = sorted(changes, key=lambda change: (ORDER.index(change.kind), -abs(change.by), change.case))
    return Comparison(
        differences=_differences(first, second, cases),
        changes=[change for change in ordered if change.kind != SAME],
        counts={kind: sum(change.kind == kind for change in changes) for kind in ORDER},
        edited=len(edited),
        only_one=len(first.keys() ^ second.keys()),
    )


def _values(run: EvaluationRun) -> Values:
    rows = EvaluationResult.objects.filter(run=run).values_list("case", "measures", "answer_measures")
    return {case: {**measures, **answer_measures} for case, measures, answer_measures in rows}


def _both(first: Values, second: Values, case: int, measure: str) -> bool:
    return measure in first[case] and measure in second[case]


def _differences(first: Values, second: Values, cases: list[int]) -> dict[str, Difference]:
    names = dict.fromkeys(name for case in cases for name in first[case])
    found = {}
    for name in names:
        pairs = [(first[case][name], second[case][name]) for case in cases if _both(first, second, case, name)]
        if pairs:
            found[name] = difference([before for before, _ in pairs], [after for _, after in pairs])
    return found


def _change(case: int, first: Mapping[str, float], second: Mapping[str, float], measure: str) -> Change:
    before, after = first[measure], second[measure]
    kind = BETTER if after > before else WORSE if after < before else SAME
    had, has = first.get(FOUND), second.get(FOUND)
    if kind == WORSE and had and has == 0:
        kind = LOST
    if kind == BETTER and has and had == 0:
        kind = GAINED
    return Change(case, before, after, kind)
