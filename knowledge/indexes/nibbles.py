"""Sentence vectors in four bits a component, in parts that a small change does not copy.

A row is stretched until its largest component is +-7 and rounded; its own length makes it a unit vector again. On SQuAD
that ranks as float32 does (`benchmarks/compression.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from knowledge.indexes.buffers import stretched
from knowledge.indexes.parts import taken

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from knowledge.indexes.base import Floats

MOST, ZERO = 7, 8  # the largest component; what stands for 0
PART = 1 << 16  # rows from which a part is left alone when more are added
AT_ONCE = 1 << 14  # rows that are packed at once: the temporary arrays stay small


@dataclass(frozen=True, slots=True, eq=False)
class Nibbles:
    """Vectors of which the direction matters. Immutable.

    Attributes:
        dimensions: d, the length of a vector.
        parts: uint8 [n, (d + 1) // 2] each; the first of two components is in the lower four bits.
        scales: float32 [n] of all parts, what makes a row a unit vector; 0 for a row of zeros.
    """

    dimensions: int
    parts: tuple[NDArray[np.uint8], ...]
    scales: Floats

    @classmethod
    def empty(cls, dimensions: int) -> Nibbles:
        """No vectors."""
        return cls(dimensions, (), np.zeros(0, np.float32))

    def __len__(self) -> int:
        """How many vectors there are."""
        return len(self.scales)

    def grown(self, vectors: NDArray[np.integer] | Floats) -> Nibbles:
        """With `vectors` [n, d] of any length."""
        packed = [_packed(vectors[first : first + AT_ONCE]) for first in range(0, len(vectors), AT_ONCE)]
        if not packed:
            return self
        parts = [*self.parts, np.concatenate([codes for codes, _ in packed])]
        while len(parts) > 1 and 2 * len(parts[-1]) >= len(parts[-2]) and len(parts[-2]) < PART:
            parts[-2:] = [np.concatenate(parts[-2:])]
        return Nibbles(self.dimensions, tuple(parts), np.concatenate([self.scales, *(scales for _, scales in packed)]))

    def dots(self, places: NDArray[np.int64], towards: Floats) -> Floats:
        """The inner products of the unit vectors at `places` with the columns of `towards` [d, m], float32 [p, m]."""
        even, odd = self._halves(towards)
        codes = self._codes(places)
        products = (codes & 15).astype(np.float32) @ even + (codes >> 4).astype(np.float32) @ odd
        dots: Floats = (products - np.float32(ZERO) * towards.sum(axis=0)) * self.scales[places, None]
        return dots

    def vectors(self, places: NDArray[np.int64]) -> Floats:
        """The unit vectors at `places`, float32 [p, d]."""
        codes = self._codes(places)
        both = np.stack([codes & 15, codes >> 4], axis=2).reshape(len(codes), -1)[:, : self.dimensions]
        unit: Floats = (both.astype(np.float32) - ZERO) * self.scales[places, None]
        return unit

    def _codes(self, places: NDArray[np.int64]) -> NDArray[np.uint8]:
        return taken(self.parts or (np.zeros((0, (self.dimensions + 1) // 2), np.uint8),), places)

    def _halves(self, towards: Floats) -> tuple[Floats, Floats]:
        """The even and the odd rows, equally many."""
        even, odd = towards[0::2], towards[1::2]
        return even, odd if len(odd) == len(even) else np.concatenate([odd, np.zeros_like(even[:1])])


def _packed(vectors: NDArray[np.integer] | Floats) -> tuple[NDArray[np.uint8], Floats]:
    whole = stretched(vectors.astype(np.float32), MOST)
    lengths = np.linalg.norm(whole.astype(np.float32), axis=1)
    scales: Floats = np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    codes = (whole + ZERO).astype(np.uint8)
    if codes.shape[1] % 2:
        codes = np.concatenate([codes, np.full((len(codes), 1), ZERO, np.uint8)], axis=1)
    both: NDArray[np.uint8] = codes[:, 0::2] | codes[:, 1::2] << np.uint8(4)
    return both, scales
