"""Runs compared: what fell, and in which words."""

import pytest

from agents.releases.comparing import Fall, falls, figure, sentence, shortened

pytestmark = pytest.mark.unit


def test_a_fall_within_the_tolerance_is_none():
    before = {case: {"recall@5": 1.0} for case in range(100)}
    after = {**before, 1: {"recall@5": 0.0}, 2: {"recall@5": 0.0}}
    assert falls(before, after, 0.02) == []
    assert falls(before, after, 0.019) == [Fall("recall@5", 1.0, 0.98, (1, 2))]


def test_at_zero_the_smallest_fall_counts_and_at_one_none():
    before, after = {1: {"mrr@10": 1.0}}, {1: {"mrr@10": 0.999}}
    assert falls(before, after, 0.0)
    assert falls({1: {"mrr@10": 1.0}}, {1: {"mrr@10": 0.0}}, 1.0) == []
    assert falls(before, before, 0.0) == []


def test_what_gets_better_elsewhere_makes_up_for_it():
    before = {1: {"recall@1": 1.0}, 2: {"recall@1": 0.0}}
    after = {1: {"recall@1": 0.0}, 2: {"recall@1": 1.0}}
    assert falls(before, after, 0.0) == []


def test_only_questions_that_both_have_measured_count():
    before = {1: {"recall@1": 1.0}, 2: {"recall@1": 1.0}, 3: {}}
    after = {1: {"recall@1": 1.0}, 3: {"recall@1": 0.0}, 4: {"recall@1": 0.0}}
    assert falls(before, after, 0.0) == []


def test_questions_that_lost_most_come_first():
    before = {1: {"ndcg@10": 1.0}, 2: {"ndcg@10": 1.0}, 3: {"ndcg@10": 0.5}}
    after = {1: {"ndcg@10": 0.9}, 2: {"ndcg@10": 0.2}, 3: {"ndcg@10": 0.6}}
    assert falls(before, after, 0.0)[0].cases == (2, 1)


@pytest.mark.parametrize(
    ("fall", "text"),
    [
        (
            Fall("recall@5", 0.96, 0.91, (1, 2, 3, 4)),
            (
                "Recall@5 fell from .96 to .91: 4 questions no longer find what they should among the first 5: "
                "“A?”, “B?”, “C?” and 1 more."
            ),
        ),
        (
            Fall("recall@1", 1.0, 0.667, (2,)),
            "Recall@1 fell from 1 to .667: 1 question no longer finds what it should in the first place: “B?”.",
        ),
        (
            Fall("mrr@10", 0.5, 0.4, (1,)),
            "MRR@10 fell from .5 to .4: 1 question finds what it should further down: “A?”.",
        ),
        (
            Fall("faithfulness", 0.9, 0.0, (1, 9)),
            "Faithfulness fell from .9 to 0: 2 questions get a worse answer: “A?” and 1 more.",
        ),
    ],
)
def test_falls_in_words(fall, text):
    assert sentence(fall, {1: "A?", 2: "B?", 3: "C?", 4: "D?"}) == text


def test_figures_and_long_questions():
    assert [figure(share) for share in (0.0, 0.5, 0.955, 1.0)] == ["0", ".5", ".955", "1"]
    assert shortened("a\n b") == "a b"
    assert len(shortened("word " * 100)) == 80
