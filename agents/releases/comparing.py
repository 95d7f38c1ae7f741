"""Two runs of the same questions beside each other: which measures fell, how far, and because of which questions."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from knowledge.evaluation.wording import measure_name
from knowledge.models import EvaluationResult

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from knowledge.models import EvaluationRun

NAMED, LONGEST = 3, 80  # questions that a sentence names, and characters of each
ROUNDING = 1e-9
Measures = dict[int, dict[str, float]]
"""By the case's id: value by measure."""


@dataclass(frozen=True, slots=True)
class Fall:
    """A measure that fell: its means, and the ids of the cases that it fell for, those that lost most first."""

    measure: str
    before: float
    after: float
    cases: tuple[int, ...]


def falls(before: Measures, after: Measures, tolerance: float) -> list[Fall]:
    """The measures whose mean fell by more than the tolerance, over the questions that both runs have measured.

    Args:
        before: what each question came to with what serves.
        after: the same with the change.
        tolerance: 0 to 1; at 0 the smallest fall counts, at 1 none does.
    """
    pairs: dict[str, dict[int, tuple[float, float]]] = defaultdict(dict)
    for case in sorted(before.keys() & after.keys()):
        for measure in before[case].keys() & after[case].keys():
            pairs[measure][case] = before[case][measure], after[case][measure]
    found = [_fall(measure, values) for measure, values in sorted(pairs.items())]
    return [fall for fall in found if fall.before - fall.after > tolerance + ROUNDING]


def _fall(measure: str, values: Mapping[int, tuple[float, float]]) -> Fall:
    count = len(values)
    lost = {case: old - new for case, (old, new) in values.items() if new < old}
    return Fall(
        measure,
        sum(old for old, _ in values.values()) / count,
        sum(new for _, new in values.values()) / count,
        tuple(sorted(lost, key=lambda case: (-lost[case], case))),
    )


def measures_of(run: EvaluationRun) -> Measures:
    """What each question of a run came to, its answer too; needs the tenant's scope."""
    rows = EvaluationResult.objects.filter(run=run).values_list("case", "measures", "answer_measures")
    return {case: {**measures, **answered} for case, measures, answered in rows}


def sentence(fall: Fall, questions: Mapping[int, str]) -> str:
    """A fall in words: “Recall@5 fell from .96 to .91: 3 questions no longer find their document: …”."""
    count = len(fall.cases)
    named = [f"“{shortened(questions[case])}”" for case in fall.cases[:NAMED] if case in questions]
    more = f" and {count - len(named)} more" if count > len(named) else ""
    fell = f"{measure_name(fall.measure)} fell from {figure(fall.before)} to {figure(fall.after)}"
    return f"{fell}: {_consequence(fall.measure, count)}: {', '.join(named)}{more}."


def _consequence(measure: str, count: int) -> str:
    many = f"{count:,} questions" if count > 1 else "1 question"
    if measure.startswith("recall@"):
        depth = measure.removeprefix("recall@")
        where = "in the first place" if depth == "1" else f"among the first {depth}"
        return f"{many} no longer {'find' if count > 1 else 'finds'} what {_they(count)} should {where}"
    if "@" in measure:
        return f"{many} {'find' if count > 1 else 'finds'} what {_they(count)} should further down"
    return f"{many} {'get' if count > 1 else 'gets'} a worse answer"


def _they(count: int) -> str:
    return "they" if count > 1 else "it"


def figure(share: float) -> str:
    """A share of 1 with two digits, such as .96; with more where these would show no difference from 1."""
    return f"{share:.3f}".removeprefix("0").rstrip("0").rstrip(".") or "0"


def shortened(question: str) -> str:
    """A question on one line, cut where it is long."""
    line = " ".join(question.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1].rstrip()}…"


def verdicts(found: Sequence[Fall], questions: Mapping[int, str]) -> list[str]:
    """The sentences of all falls, the largest first."""
    return [sentence(fall, questions) for fall in sorted(found, key=lambda fall: fall.after - fall.before)]
