"""Vectors in four bits."""

import numpy as np
import pytest

from knowledge.indexes import nibbles as module
from knowledge.indexes.nibbles import Nibbles

RNG = np.random.default_rng(6)


def unit(rows: int, dimensions: int) -> np.ndarray:
    vectors = RNG.normal(size=(rows, dimensions)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("dimensions", [33, 384, 1536])
def test_directions_are_kept(dimensions: int) -> None:
    vectors = unit(50, dimensions)

    kept = Nibbles.empty(dimensions).grown(vectors * 1000).vectors(np.arange(50))

    np.testing.assert_allclose(np.linalg.norm(kept, axis=1), 1, rtol=1e-5)
    assert (kept * vectors).sum(axis=1).min() > 0.98


@pytest.mark.parametrize("dimensions", [33, 64])
def test_dots_are_those_of_the_kept_vectors(dimensions: int) -> None:
    nibbles, towards = Nibbles.empty(dimensions).grown(unit(40, dimensions)), unit(2, dimensions).T
    places = np.array([39, 0, 7, 7])

    np.testing.assert_allclose(nibbles.dots(places, towards), nibbles.vectors(places) @ towards, atol=1e-5)


def test_growing_in_steps_is_the_same_as_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PART", 16)
    vectors = unit(90, 8)
    steps = Nibbles.empty(8)
    for first in range(0, 90, 4):
        steps = steps.grown(vectors[first : first + 4])
    places = RNG.permutation(90)

    np.testing.assert_array_equal(steps.vectors(places), Nibbles.empty(8).grown(vectors).vectors(places))
    assert 1 < len(steps.parts) < 12
    assert steps.grown(vectors).parts[0] is steps.parts[0]


def test_zeros_stay_zeros_and_nothing_stays_nothing() -> None:
    nibbles = Nibbles.empty(8).grown(np.zeros((2, 8), np.int16))

    assert nibbles.scales.tolist() == [0, 0]
    assert not nibbles.vectors(np.arange(2)).any()
    assert Nibbles.empty(8).grown(np.zeros((0, 8), np.int16)).dots(np.zeros(0, np.int64), unit(1, 8).T).shape == (0, 1)
