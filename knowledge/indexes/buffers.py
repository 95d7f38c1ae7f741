"""The buffers that vectors are stored in, as small as ranking allows (`benchmarks/compression.py` has what each costs).

Directions matter, lengths do not: a stored sentence is whole numbers, and its unit vector is those by their length.
Numbers take the narrowest type that holds them all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from knowledge.embedding.base import TOKEN_SCALE, TOKEN_WIDTH

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from knowledge.indexes.base import Floats

MOST, MOST_OF_TOKEN = 127, 15  # units of the largest component of a sentence, and of a token
ZERO = 16  # stands for 0 in a token
LOW_BYTES, TOKEN_BYTES = TOKEN_WIDTH // 2, TOKEN_WIDTH * 5 // 8
PARTS_OF_LARGEST = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)
TINY = 1e-9  # stands for the largest component of a vector of zeros
WIRE_HEADER = 4  # bytes before the numbers of a halfvec on the wire
_BYTES = np.arange(256)
_PAIRS = (_BYTES & 15 | (_BYTES >> 4) << 8).astype("<u2")  # the two components in each byte, a byte each
_NUMBERS: dict[int, type[np.integer]] = {1: np.uint8, 2: np.uint16, 4: np.int32}  # by bytes each


def pack_sentences(vectors: Floats) -> bytes:
    """Vectors [n, d] as int8, each stretched until its largest component is +-127."""
    return stretched(vectors, MOST).tobytes()


def stretched(vectors: Floats, most: int) -> NDArray[np.int8]:
    """Vectors [n, d] as whole numbers of which the largest in each row is +-`most`; rows of zeros stay so."""
    largest = np.abs(vectors).max(axis=1, keepdims=True, initial=TINY)
    whole: NDArray[np.int8] = np.rint(vectors * (most / largest)).astype(np.int8)
    return whole


def unpack_sentences(buffer: bytes | memoryview, dimensions: int) -> NDArray[np.int8]:
    """What `pack_sentences` stored, int8 [n, d]."""
    return np.frombuffer(buffer, np.int8).reshape(-1, dimensions)


def pack_tokens(tokens: NDArray[np.integer] | Floats) -> bytes:
    """Token vectors [t, 64] in five bits a component: 32 bytes of four bits each, then 8 of the highest.

    Each is stretched until its largest component, or a part of that, is +-15, and what sticks out is cut off: by the
    part that keeps its direction best.
    """
    vectors = tokens.astype(np.float32)
    largest = np.abs(vectors).max(axis=1, keepdims=True, initial=TINY)
    tried = np.stack([np.rint(vectors * (MOST_OF_TOKEN / (part * largest))) for part in PARTS_OF_LARGEST])
    tried = np.clip(tried, -MOST_OF_TOKEN, MOST_OF_TOKEN)
    kept = np.einsum("ptd,td->pt", tried, vectors) / np.maximum(np.linalg.norm(tried, axis=2), TINY)
    codes = (tried[kept.argmax(axis=0), np.arange(len(vectors))] + ZERO).astype(np.uint8)
    low = codes & np.uint8(15)
    rows = np.concatenate([low[:, 0::2] | low[:, 1::2] << np.uint8(4), np.packbits(codes >> 4, axis=1)], axis=1)
    return rows.astype(np.uint8).tobytes()


def unpack_tokens(buffer: bytes | memoryview) -> NDArray[np.int8]:
    """What `pack_tokens` stored, int8 [t, 64] of unit length, 127 = 1.0."""
    rows = np.frombuffer(buffer, np.uint8).reshape(-1, TOKEN_BYTES)
    codes = _PAIRS[rows[:, :LOW_BYTES]].view(np.uint8)
    codes |= np.unpackbits(rows[:, LOW_BYTES:], axis=1) << 4
    vectors = codes.astype(np.float32)
    vectors -= ZERO
    lengths = np.sqrt(np.einsum("td,td->t", vectors, vectors))[:, None]
    vectors *= TOKEN_SCALE / np.maximum(lengths, TINY)
    tokens: NDArray[np.int8] = np.rint(vectors, out=vectors).astype(np.int8)
    return tokens


def unpack_each(buffers: Sequence[bytes]) -> list[NDArray[np.int8]]:
    """What `pack_tokens` stored in each of these; all at once takes a fifth of the time."""
    ends = np.cumsum([len(buffer) // TOKEN_BYTES for buffer in buffers])
    return np.split(unpack_tokens(b"".join(buffers)), ends[:-1]) if buffers else []


def pack_numbers(numbers: NDArray[np.integer]) -> bytes:
    """Whole numbers from 0 to 2**31 - 1, in one, two or four bytes each; how many bytes comes first."""
    largest = int(numbers.max(initial=0))
    width = next(width for width in _NUMBERS if largest < 1 << min(8 * width, 31))
    return bytes([width]) + numbers.astype(_NUMBERS[width]).tobytes()


def unpack_numbers(buffer: bytes | memoryview) -> NDArray[np.int32]:
    """What `pack_numbers` stored, int32 [n]."""
    return np.frombuffer(buffer, _NUMBERS[buffer[0]], offset=1).astype(np.int32)


def unpack_halves(wire: bytes | memoryview) -> Floats:
    """A halfvec as PostgreSQL sends it, float32 [d]."""
    return np.frombuffer(wire, ">f2", offset=WIRE_HEADER).astype(np.float32)
