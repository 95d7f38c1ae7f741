"""Late interaction (ColBERT, arXiv:2004.12832) over stored token vectors; query tokens weigh as much as their idf."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from knowledge.embedding.base import TOKEN_SCALE
from knowledge.retrieval.fusion import to_unit_range

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from knowledge.indexes.base import Floats

DEPTH = 20  # passages that are looked at this closely


class TokenVectors(NamedTuple):
    """The tokens of one passage: int8 [t, 64] and the sentence of each, int16 [t]."""

    tokens: NDArray[np.int8]
    sentences: NDArray[np.int16]


def interaction(query: Floats, weights: Floats, passages: Sequence[TokenVectors]) -> Floats:
    """How well passages answer a query, from 0 (the least of them) to 1, float32 [n].

    Half of it is the MaxSim over the whole passage, half that of its best one or two neighbouring sentences.

    Args:
        query: float32 [q, 64], unit length.
        weights: float32 [q], the weight of each query token.
        passages: the candidates; those without tokens score 0.
    """
    scores = np.zeros(len(passages), np.float32)
    filled = [n for n, passage in enumerate(passages) if len(passage.tokens)]
    if not filled or not len(query):
        return scores
    whole, window = _max_sims(query, weights, [passages[n] for n in filled])
    scores[filled] = 0.5 * to_unit_range(whole) + 0.5 * to_unit_range(window)
    return scores


def mix(fused: Floats, interactions: Floats, weight: float) -> Floats:
    """The final score of the reranked candidates."""
    return (1 - weight) * to_unit_range(fused) + weight * interactions


def _max_sims(query: Floats, weights: Floats, passages: list[TokenVectors]) -> tuple[Floats, Floats]:
    tokens = np.concatenate([passage.tokens for passage in passages]).astype(np.float32)
    owner = np.repeat(np.arange(len(passages)), [len(passage.tokens) for passage in passages])
    sentence = np.concatenate([passage.sentences for passage in passages])
    similarity = tokens @ (query * (weights / (weights.sum() * TOKEN_SCALE))[:, None]).T
    bounds = np.flatnonzero((np.diff(owner, prepend=-1) != 0) | (np.diff(sentence, prepend=-1) != 0))
    by_sentence, owner = np.maximum.reduceat(similarity, bounds, axis=0), owner[bounds]
    first = np.flatnonzero(np.diff(owner, prepend=-1))
    whole = np.maximum.reduceat(by_sentence, first, axis=0).sum(axis=1)
    pairs = by_sentence.copy()
    joined = owner[1:] == owner[:-1]
    pairs[:-1][joined] = np.maximum(by_sentence[:-1][joined], by_sentence[1:][joined])
    return whole, np.maximum.reduceat(pairs.sum(axis=1), first)
