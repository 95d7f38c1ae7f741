"""Vectors in buffers and out again."""

import numpy as np
import pytest

from knowledge.indexes.buffers import (
    pack_numbers,
    pack_sentences,
    pack_tokens,
    unpack_halves,
    unpack_numbers,
    unpack_sentences,
    unpack_tokens,
)

RNG = np.random.default_rng(5)


@pytest.mark.parametrize("dimensions", [8, 384, 1536])
def test_sentences_keep_their_direction(dimensions: int) -> None:
    vectors = RNG.normal(size=(20, dimensions)).astype(np.float32) * RNG.uniform(0.01, 100, (20, 1)).astype(np.float32)

    stored = unpack_sentences(pack_sentences(vectors), dimensions).astype(np.float32)

    cosines = (stored * vectors).sum(axis=1) / np.linalg.norm(stored, axis=1) / np.linalg.norm(vectors, axis=1)
    assert cosines.min() > 0.9999
    assert np.abs(stored).max(axis=1).tolist() == [127] * 20


def test_no_sentences_and_none_but_zeros() -> None:
    assert unpack_sentences(pack_sentences(np.zeros((0, 8), np.float32)), 8).shape == (0, 8)
    assert not unpack_sentences(pack_sentences(np.zeros((2, 8), np.float32)), 8).any()


def test_tokens_keep_their_direction_in_five_bits_a_component() -> None:
    vectors = RNG.normal(size=(50, 64)).astype(np.float32)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    buffer = pack_tokens(np.rint(unit * 127).astype(np.int8))
    stored = unpack_tokens(buffer)

    assert len(buffer) == 50 * 40
    assert stored.dtype == np.int8
    lengths = np.linalg.norm(stored.astype(np.float32), axis=1)
    assert ((stored * unit).sum(axis=1) / lengths).min() > 0.995
    np.testing.assert_allclose(lengths, 127, rtol=0.02)
    np.testing.assert_array_equal(unpack_tokens(pack_tokens(np.eye(64, dtype=np.int8) * 127)), np.eye(64) * 127)


def test_no_tokens_and_none_but_zeros() -> None:
    assert unpack_tokens(pack_tokens(np.zeros((0, 64), np.int8))).shape == (0, 64)
    assert not unpack_tokens(pack_tokens(np.zeros((2, 64), np.int8))).any()


@pytest.mark.parametrize(("largest", "width"), [(0, 1), (255, 1), (256, 2), (65_535, 2), (65_536, 4), (2**31 - 1, 4)])
def test_numbers_take_as_little_as_they_need(largest: int, width: int) -> None:
    numbers = np.array([0, largest, 3])

    buffer = pack_numbers(numbers)

    assert len(buffer) == 1 + 3 * width
    assert unpack_numbers(buffer).tolist() == numbers.tolist()
    assert unpack_numbers(pack_numbers(numbers[:0])).tolist() == []


def test_halves_come_as_postgres_sends_them() -> None:
    wire = b"\x00\x03\x00\x00" + np.array([0.5, -1, 2]).astype(">f2").tobytes()

    assert unpack_halves(wire).tolist() == [0.5, -1, 2]
