"""How far each way of searching is trusted."""

import numpy as np
import pytest

from knowledge.retrieval.weights import CHOSEN, Weights, fineness, neighbours_share


def test_weights_fall_with_how_little_the_model_knows_the_language() -> None:
    cuts = np.linspace(1, 6, 101)

    for share, english in ((CHOSEN.dense_share, 0.4), (CHOSEN.rerank_share, 0.6)):
        values = [share(cut) for cut in cuts]
        assert values[0] == english
        assert values[-1] == 0
        assert (np.diff(values) <= 0).all()
        assert np.abs(np.diff(values)).max() < 0.1
    assert CHOSEN.dense_share(1.8) == CHOSEN.dense_share(2.2) == pytest.approx(0.15)


def test_neighbours_count_where_words_are_cut_finely() -> None:
    shares = [neighbours_share(cut) for cut in np.linspace(1, 6, 101)]

    assert shares[0] == 0
    assert shares[-1] == pytest.approx(0.3)
    assert (np.diff(shares) >= 0).all()
    assert np.abs(np.diff(shares)).max() < 0.1


def test_what_is_said_holds_whatever_the_text() -> None:
    weights = Weights(dense=0.0, rerank=1.0)

    assert {weights.dense_share(cut) for cut in (1, 3, 9)} == {0.0}
    assert {weights.rerank_share(cut) for cut in (1, 3, 9)} == {1.0}


def test_question_and_corpus_count_half_each() -> None:
    assert fineness(1.2, 2.0) == pytest.approx(1.6)
    assert fineness(1.2, 0.0) == 1.2  # a question without words
