"""Late interaction against a plain loop."""

from itertools import pairwise

import numpy as np
import pytest

from knowledge.retrieval.rerank import TokenVectors, interaction, mix

RNG = np.random.default_rng(11)


def passage(lengths: list[int]) -> TokenVectors:
    vectors = RNG.normal(size=(sum(lengths), 64))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    sentences = np.repeat(np.arange(len(lengths)), lengths).astype(np.int16)
    return TokenVectors(np.rint(vectors * 127).astype(np.int8), sentences)


def max_sim(query: np.ndarray, weights: np.ndarray, tokens: np.ndarray) -> float:
    return float((query @ tokens.T / 127).max(axis=1) @ weights / weights.sum())


def by_hand(query: np.ndarray, weights: np.ndarray, passages: list[TokenVectors]) -> np.ndarray:
    whole, window = [], []
    for tokens, sentences in passages:
        vectors, present = tokens.astype(float), sorted(set(sentences.tolist()))
        whole.append(max_sim(query, weights, vectors))
        pairs = [{one} for one in present] + [set(pair) for pair in pairwise(present)]
        window.append(max(max_sim(query, weights, vectors[np.isin(sentences, list(pair))]) for pair in pairs))
    scale = [(np.array(part) - min(part)) / (max(part) - min(part)) for part in (whole, window)]
    return (scale[0] + scale[1]) / 2


def test_scores_are_those_of_a_plain_loop() -> None:
    query = RNG.normal(size=(5, 64)).astype(np.float32)
    query /= np.linalg.norm(query, axis=1, keepdims=True)
    weights = RNG.uniform(0.5, 5, 5).astype(np.float32)
    passages = [passage(lengths) for lengths in ([4, 6, 3], [9], [1, 1, 1, 1, 1], [30, 2], [7, 7])]

    np.testing.assert_allclose(interaction(query, weights, passages), by_hand(query, weights, passages), atol=1e-4)


def test_passages_without_tokens_come_last() -> None:
    query = np.eye(2, 64, dtype=np.float32)
    exact = TokenVectors((np.eye(2, 64) * 127).astype(np.int8), np.zeros(2, np.int16))

    scores = interaction(query, np.ones(2, np.float32), [passage([]), exact, passage([5])])

    assert scores.argmax() == 1
    assert scores[0] == 0


@pytest.mark.parametrize("tokens", [0, 3])
def test_nothing_to_compare(tokens: int) -> None:
    query = np.ones((tokens, 64), np.float32)

    assert interaction(query, np.ones(tokens, np.float32), []).tolist() == []
    assert interaction(query, np.ones(tokens, np.float32), [passage([])]).tolist() == [0]


def test_mixing_without_weight_keeps_the_fused_order() -> None:
    fused, close = np.array([0.9, 0.5, 0.1], np.float32), np.array([0, 0.2, 1], np.float32)

    assert mix(fused, close, 0.0).argsort().tolist() == [2, 1, 0]
    assert mix(fused, close, 1.0).argsort().tolist() == [0, 1, 2]
