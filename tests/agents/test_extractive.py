"""What is quoted where a curator has written the answer, and where several things are asked."""

from dataclasses import replace

import pytest

from agents.cache.likeness import less_alike
from agents.llm.base import Evidence
from agents.llm.extractive import answer
from knowledge.retrieval.curated import JUDGES, Curated
from knowledge.retrieval.search import Part

pytestmark = pytest.mark.unit


def quoted(result, question="How long does the battery last?"):
    return answer(Evidence(question, "en", result, weak=False))


def test_a_curators_answer_is_given_as_it_stands(battery):
    curated = Curated(curated=1, document=1, wording="Battery?", answer="Twelve hours.\n\nNo more.", similarity=1.0)
    assert quoted(replace(battery, curated=curated)) == "Twelve hours.\n\nNo more. [1]"


def test_each_part_of_a_question_is_answered(battery, make_result):
    def part(text, answerability=0.9):
        return Part(text, make_result(query=text).encoding, answerability)

    both = (part("How long does the battery last?"), part("Are returns free?"))
    said = quoted(replace(battery, parts=both), "How long does the battery last and are returns free?")
    assert "12 hours. [1]" in said
    assert "Returns are free within 30 days. [2]" in said
    one = (part("How long does the battery last?"), part("Who painted Rome?", 0.1))
    assert quoted(replace(battery, parts=one)) == quoted(battery)


def test_questions_are_told_apart_by_what_the_answer_cache_knows():
    assert JUDGES.same is not None
    assert JUDGES.same("How long does a refund take?", "refund time?", "en") is not None
    assert less_alike("Does version 3.2 support it?", "Does version 3.1 support it?", "en") is None
    assert less_alike("How do I reset my password?", "How do I reset my settings?", "en") is None
    assert less_alike("Mitä tämä maksaa?", "Paljonko tämä maksaa?", "fi") is None
