import pytest

from agents.confidence import ANSWERABLE, confidence, is_answerable


def test_weak_evidence_and_none_are_not_answerable(make_passage, make_result):
    passage = make_passage("text")
    assert not is_answerable(make_result(passage, answerability=ANSWERABLE - 0.001))
    assert not is_answerable(make_result(answerability=2.0))
    assert is_answerable(make_result(passage, answerability=ANSWERABLE))


def test_an_unanswerable_question_has_no_confidence(make_passage, make_result):
    assert confidence(make_result(make_passage("text"), answerability=0.2), support=1.0) == 0.0


@pytest.mark.parametrize("answerability", [0.6, 0.9, 5.0])
def test_stays_between_0_and_1(make_passage, make_result, answerability):
    result = make_result(make_passage("a", score=9.0), make_passage("b", score=-3.0), answerability=answerability)
    assert 0.0 < confidence(result, support=1.0) <= 1.0


def test_grows_with_evidence_margin_and_support(make_passage, make_result):
    def of(answerability, second, support):
        return confidence(
            make_result(make_passage("a", score=0.9), make_passage("b", score=second), answerability=answerability),
            support,
        )

    base = of(0.7, 0.8, 0.5)
    assert of(0.9, 0.8, 0.5) > base
    assert of(0.7, 0.6, 0.5) > base
    assert of(0.7, 0.8, 0.9) > base
