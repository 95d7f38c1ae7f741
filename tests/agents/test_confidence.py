import pytest

from agents.confidence import ANSWERABLE, confidence, is_answerable


def test_weak_evidence_and_none_are_not_answerable(make_passage, make_result):
    passage = make_passage("text")
    assert not is_answerable(make_result(passage, answerability=ANSWERABLE - 0.001))
    assert not is_answerable(make_result(answerability=2.0))
    assert is_answerable(make_result(passage, answerability=ANSWERABLE))


def test_an_unanswerable_question_has_no_confidence(make_passage, make_result):
    assert confidence(make_result(make_passage("text"), answerability=0.2), support=1.0) == 0.0


def test_not_knowing_has_no_confidence(make_passage, make_result):
    assert confidence(make_result(make_passage("text")), support=1.0, finish="unknown") == 0.0


@pytest.mark.parametrize("answerability", [0.6, 0.9, 5.0])
def test_stays_between_0_and_1(make_passage, make_result, answerability):
    result = make_result(make_passage("a", score=9.0), make_passage("b", score=-3.0), answerability=answerability)
    assert 0.0 < confidence(result, support=1.0) < 1.0


def test_grows_with_evidence_support_and_grounding(make_passage, make_result):
    def of(answerability=0.7, support=0.5, **more):
        return confidence(make_result(make_passage("a"), answerability=answerability), support, **more)

    base = of(grounding=0.5)
    assert of(answerability=0.9, grounding=0.5) > base
    assert of(support=0.9, grounding=0.5) > base
    assert of(grounding=1.0) > base


def test_a_broken_off_answer_and_a_stand_in_count_for_less(make_passage, make_result):
    result = make_result(make_passage("a"))
    assert confidence(result, 1.0, finish="truncated") < confidence(result, 1.0)
    assert confidence(result, 1.0, degraded=True) < confidence(result, 1.0)
