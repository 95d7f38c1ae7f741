"""Answers of runs: asked by the product's own path, judged, and nothing left behind."""

import json

import pytest

from agents.evaluation import answering
from agents.evaluation.judging import of_context
from agents.llm.scripted import Scripted, says
from agents.models import Action, ToolCall
from knowledge.evaluation.answers import ANSWERERS
from knowledge.models import Document
from tenants.scope import tenant_scope
from tests.knowledge.conftest import add, embedder, files

__all__ = ["add", "embedder", "files"]  # fixtures
pytestmark = pytest.mark.django_db(transaction=True)
TEXT = "You have 30 days to return a laptop. Opened boxes are accepted."
QUESTION = "How many days do I have to return a laptop?"


def test_an_answer_without_a_model_is_quoted_and_measured(tenant, add):
    add("returns", TEXT)
    found = ANSWERERS.answering(tenant.pk, QUESTION, "30 days", {})
    assert "30 days" in found.text
    assert found.failed == ""
    assert set(found.measures) == {"faithfulness", "answer_relevance", "context_precision", "context_recall"}
    assert found.measures["faithfulness"] == found.measures["context_recall"] == 1.0
    with tenant_scope(tenant.pk):
        assert not ToolCall.objects.exists()
        assert not Action.objects.exists()
        assert Document.objects.count() == 1


def test_a_question_that_is_too_long_fails_by_itself(tenant, add):
    add("returns", TEXT)
    found = ANSWERERS.answering(tenant.pk, "laptop " * 10_000, "", {})
    assert "8,000" in found.failed
    assert found.measures == {}


@pytest.fixture
def judged_by(monkeypatch):
    """Lets judgements come from a script of JSON objects."""

    def use(*answers):
        provider = Scripted(*(says(answer if isinstance(answer, str) else json.dumps(answer)) for answer in answers))

        async def judges(_asked):
            return [provider]

        monkeypatch.setattr(answering, "judges_of", judges)
        return provider

    return use


ANSWER = {
    "statements": [{"statement": "30 days", "supported": True}, {"statement": "free", "supported": False}],
    "questions": [QUESTION],
    "evades": False,
}
CONTEXT = {
    "passages": [{"number": 1, "useful": True}, {"number": 9, "useful": True}],
    "sentences": [{"sentence": "30 days", "supported": True}],
}


def test_a_model_judges_beside_the_words(tenant, add, judged_by):
    add("returns", TEXT)
    judged_by(ANSWER, CONTEXT)
    found = ANSWERERS.answering(tenant.pk, QUESTION, "30 days", {})
    assert found.measures["model:faithfulness"] == 0.5
    assert found.measures["model:answer_relevance"] == pytest.approx(1.0, abs=1e-3)
    assert found.measures["model:context_precision"] == found.measures["model:context_recall"] == 1.0
    assert "faithfulness" in found.measures


def test_a_model_that_cannot_judge_leaves_the_words(tenant, add, judged_by):
    add("returns", TEXT)
    judged_by("no object", "no object")
    found = ANSWERERS.answering(tenant.pk, QUESTION, "30 days", {})
    assert "could not judge" in found.failed
    assert found.measures["faithfulness"] == 1.0


def test_passages_that_the_model_does_not_name_are_not_useful():
    judged = {"passages": [{"number": 2, "useful": True}, {"number": 1, "useful": False}], "sentences": []}
    assert of_context(judged, 3, with_recall=True) == {"context_precision": 0.5}
