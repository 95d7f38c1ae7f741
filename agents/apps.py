"""What the agent does as a process starts: it says who answers evaluation runs to those who may not know of it."""

from collections.abc import Mapping
from typing import Any

from django.apps import AppConfig

from knowledge.evaluation.answers import ANSWERERS, Answered


class AgentsConfig(AppConfig):
    name = "agents"

    def ready(self) -> None:
        ANSWERERS.answering = _answer


def _answer(tenant_id: int, question: str, expected: str, candidate: Mapping[str, Any]) -> Answered:
    from agents.evaluation.answering import answer  # models are not there before, and few processes need it

    return answer(tenant_id, question, expected, candidate)
