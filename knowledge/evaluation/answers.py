"""Who answers the questions of a run and judges what comes.

The agent says so as it starts: nothing here may know of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer and what it is worth.

    Attributes:
        text: what was answered.
        measures: value by measure, each from 0 to 1; those of a model's judgement begin with "model:".
        failed: why there is no answer, or no judgement by the model; for people.
    """

    text: str = ""
    measures: dict[str, float] = field(default_factory=dict)
    failed: str = ""


class Answering(Protocol):
    """Answers a question the way customers are answered, without a trace in any conversation, and judges the answer.

    It is slow, opens its own scopes, and raises nothing that concerns this question alone. `expected` is what a good
    answer says, empty where nobody wrote that; `candidate` is what differs from what serves, as in `EvaluationRun`.
    """

    def __call__(self, tenant_id: int, question: str, expected: str, candidate: Mapping[str, Any]) -> Answered: ...


@dataclass(slots=True)
class Answerers:
    """Who answers: nobody until the agent has said so."""

    answering: Answering | None = None


ANSWERERS = Answerers()
