"""The statistics of a tenant's sentences."""

import numpy as np
import pytest

from knowledge.indexes.whitening import Whitening, prior_of

MODEL = "all-MiniLM-L6-v2"
RNG = np.random.default_rng(3)


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def test_the_shipped_prior_is_of_the_models_size() -> None:
    prior = prior_of(MODEL, 384)

    assert prior.mean.shape == prior.offset.shape == (384,)
    assert np.linalg.eigvalsh(prior.spread).min() > 0
    assert np.trace(prior.spread) == pytest.approx(1 - np.linalg.norm(prior.mean) ** 2, abs=0.1)


def test_another_model_has_an_even_prior() -> None:
    prior = prior_of("other", 16)

    whitening = Whitening.measure(np.zeros((0, 16), np.float32), prior)

    query = RNG.normal(size=16).astype(np.float32)
    direction = whitening.direction(query)
    assert direction @ query / np.linalg.norm(direction) / np.linalg.norm(query) == pytest.approx(1, abs=1e-4)


def test_many_sentences_outweigh_the_prior() -> None:
    shift = np.zeros(16)
    shift[0] = 3
    sentences = unit(RNG.normal(size=(5000, 16)) + shift)

    whitening = Whitening.measure(sentences, prior_of("other", 16))

    mean = sentences.mean(axis=0)
    np.testing.assert_allclose(whitening.mean, mean, atol=0.01)


def test_a_few_sentences_do_not() -> None:
    prior = prior_of(MODEL, 384)

    few = Whitening.measure(unit(RNG.normal(size=(3, 384))), prior)
    none = Whitening.measure(np.zeros((0, 384), np.float32), prior)

    assert np.linalg.norm(few.mean - none.mean) < 0.2
    assert few.factor is none.factor


def test_direction_and_norms_give_the_whitened_cosine() -> None:
    sentences = unit(RNG.normal(size=(300, 16)))
    whitening = Whitening.measure(sentences, prior_of("other", 16))
    query = RNG.normal(size=16).astype(np.float32)

    direction = whitening.direction(query)
    cosines = (sentences - whitening.mean) @ direction / whitening.norms(sentences)

    left = (sentences - whitening.mean) @ whitening.factor
    right = (query - whitening.question_mean) @ whitening.factor
    expected = left @ right / np.linalg.norm(left, axis=1) / np.linalg.norm(right)
    np.testing.assert_allclose(cosines, expected, atol=1e-4)
