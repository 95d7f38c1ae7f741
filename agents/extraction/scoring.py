"""How well each piece of the first passages answers the question.

The scorer of the retrieval notes: cosine of sentence vectors + late-interaction MaxSim (Khattab and Zaharia 2020)
weighted by how rare each query piece is + .5 * word overlap, each min-max normalised over the pieces, minus .4 for
every rank of the passage.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agents.extraction.expectation import meets_expectation
from agents.extraction.units import find_units
from agents.words import content_words, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from agents.extraction.units import Unit
    from knowledge.embedding.base import QueryEncoding
    from knowledge.retrieval.search import Passage, SearchResult

    Floats = NDArray[np.float32]

PASSAGES = 3
"""The first three passages hold the gold answer of 97 % of SQuAD questions; more only distract."""
OVERLAP_WEIGHT = 0.5
RANK_PENALTY = 0.4
EXPECTED_BONUS = 0.4
CODE_BONUS = 0.5
"""For holding a code of the question's ("E07") that the heading does not hold already."""
OPENING_BONUS = 0.15
"""The first sentence of a section tends to say what the rest details."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A piece of passage number `passage` (from 1) and its score; only differences of scores mean anything."""

    passage: int
    unit: Unit
    score: float


def score_units(question: str, result: SearchResult) -> list[Scored]:
    """Return the pieces of the first `PASSAGES` passages in reading order with their scores."""
    passages = result.passages[:PASSAGES]
    units = [
        (number, unit)
        for number, passage in enumerate(passages, 1)
        for unit in find_units(passage.text, passage.sentences)
    ]
    if not units:
        return []
    cosine, maxsim = _sentence_scores(passages, result.encoding)
    total = OVERLAP_WEIGHT * _min_max(_overlaps(question, passages, units))
    for by_sentence in (cosine, maxsim):
        total += _min_max([_best(by_sentence[number - 1], unit.sentences) for number, unit in units])
    total += np.asarray(_bonuses(question, passages, units), np.float32)
    return [
        Scored(number, unit, float(score) - RANK_PENALTY * (number - 1))
        for (number, unit), score in zip(units, total, strict=True)
    ]


def _sentence_scores(passages: Sequence[Passage], query: QueryEncoding) -> tuple[list[Floats], list[Floats]]:
    """Return for each passage its sentences' cosines and MaxSims."""
    weights = piece_rarity(query.token_ids)
    with np.errstate(invalid="ignore"):  # BLAS may raise the flag for what it reads beyond the end of short arrays
        cosine = [passage.sentence_vectors @ query.vector for passage in passages]
        return cosine, [_max_sims(passage, query.tokens, weights) for passage in passages]


def _max_sims(passage: Passage, query: Floats, weights: Floats) -> Floats:
    if not len(passage.tokens) or not len(query):
        return np.zeros(0, np.float32)
    tokens = passage.tokens.astype(np.float32)
    tokens /= np.linalg.norm(tokens, axis=1, keepdims=True) + 1e-6
    similarity = tokens @ query.T  # [tokens, query pieces]
    best = np.zeros((len(passage.sentences), query.shape[0]), np.float32)
    valid = passage.token_sentences >= 0
    np.maximum.at(best, passage.token_sentences[valid], similarity[valid])
    scores: Floats = best @ weights
    return scores


def piece_rarity(piece_ids: NDArray[np.int32]) -> Floats:
    """Return a weight per word piece that grows with its rarity, summing to 1.

    The model's vocabulary is sorted by frequency, so the logarithm of a piece's id stands in for its idf (Zipf).
    """
    rarity: Floats = np.log1p(np.maximum(piece_ids - FIRST_WORD_PIECE, 1)).astype(np.float32)
    return rarity / rarity.sum() if len(rarity) else rarity


FIRST_WORD_PIECE = 1996
"""Id of "the"; what comes before are special pieces and single characters."""


def _overlaps(question: str, passages: Sequence[Passage], units: Sequence[tuple[int, Unit]]) -> list[float]:
    """Return for each unit the idf-weighted share of the question's words in it; idf counts the units themselves.

    A section speaks of what its title and headings name, so their words count as said in each of its sentences.
    """
    asked = content_words(question)
    held = []
    for number, unit in units:
        passage = passages[number - 1]
        heading = content_words(" ".join((passage.title, *passage.heading_path)))
        held.append((content_words(passage.text[unit.start : unit.end]) | heading) & asked)
    frequency = Counter(word for shared in held for word in shared)
    idf = {word: math.log(1 + len(units) / count) for word, count in frequency.items()}
    return [sum(idf[word] for word in shared) for shared in held]


def _bonuses(question: str, passages: Sequence[Passage], units: Sequence[tuple[int, Unit]]) -> list[float]:
    """Return what a unit gains for the kind of figure or the very code asked for, and for opening its passage."""
    codes = {word for word in words(question) if not word.isdigit() and any(map(str.isdigit, word))}
    gains = []
    opened = set()
    for number, unit in units:
        passage = passages[number - 1]
        text = passage.text[unit.start : unit.end]
        gain = EXPECTED_BONUS if meets_expectation(question, text) else 0.0
        if codes & set(words(text)) - set(words(" ".join((passage.title, *passage.heading_path)))):
            gain += CODE_BONUS
        if number not in opened:
            gain += OPENING_BONUS
            opened.add(number)
        gains.append(gain)
    return gains


def _best(scores: Floats, sentences: Sequence[int]) -> float:
    return max((float(scores[index]) for index in sentences if index < len(scores)), default=0.0)


def _min_max(values: Sequence[float]) -> Floats:
    array = np.asarray(values, np.float32)
    spread = float(array.max() - array.min())
    return (array - array.min()) / spread if spread > 0 else np.zeros_like(array)
