"""What the agent does as a process starts: it says who does what to those below, who may not know of it.

It answers evaluation runs, and tells the questions of curated answers apart.
"""

from collections.abc import Mapping
from typing import Any

from django.apps import AppConfig

from knowledge.evaluation.answers import ANSWERERS, Answered
from knowledge.retrieval.curated import JUDGES


class AgentsConfig(AppConfig):
    name = "agents"

    def ready(self) -> None:
        ANSWERERS.answering = _answer
        JUDGES.same = _same_question


def _answer(tenant_id: int, question: str, expected: str, candidate: Mapping[str, Any]) -> Answered:
    from agents.evaluation.answering import answer  # models are not there before, and few processes need it

    return answer(tenant_id, question, expected, candidate)


def _same_question(one: str, other: str, language: str) -> float | None:
    from agents.cache.likeness import less_alike  # likewise

    return less_alike(one, other, language)
