"""The worth of an answer without a second model: by words, exact figures and names, and the embedder's vectors.

The four measures are those of RAGAS (Es et al., 2023, arXiv:2309.15217), each from 0 to 1. What a model decides there
is decided here by the grounding check (`agents.guardrails.grounding`), which says if a passage supports a sentence:

- faithfulness: the share of the answer's sentences that one of its passages supports;
- context precision: the mean of precision@k over the places k of useful passages; one is useful that supports a
  sentence of the expected answer, or of the answer itself where nobody wrote what is expected;
- context recall: the share of the expected answer's sentences that one of the passages supports;
- answer relevance: half the cosine of the question and the answer's nearest stretch of one or two sentences, and half
  the share of the question's content words that the answer has; 0 where the answer says that it does not know.

They compare runs of one set; they are no marks to be compared between shops. Two things they cannot see: a wrong
conclusion in the words of the passage, and a right one in words of its own, which counts as unsupported.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from agents.guardrails.grounding import (
    LONGEST_SENTENCE,
    MAX_SENTENCES,
    SENTENCE,
    SUPPORTED,
    claims_something,
    plain_sentence,
    score_each,
)
from agents.words import content_words
from knowledge.embedding.base import get_embedder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from knowledge.retrieval.search import Passage

    Supports = NDArray[np.bool_]


def measures_by_words(
    question: str, answer: str, expected: str, passages: Sequence[Passage], *, known: bool = True
) -> dict[str, float]:
    """Return the measures that can be told; those of the context are missing where there is nothing to tell them by.

    Args:
        question: as it was asked.
        answer: what was answered.
        expected: what a good answer says; empty where nobody wrote that.
        passages: what the answer was made from, best first.
        known: the answer does not say that it knows nothing.

    Raises:
        EmbedderError: the question could not be embedded.
    """
    said, wanted = statements(answer) if known else [], statements(expected)
    supports = score_each([*said, *wanted], passages) >= SUPPORTED
    of_answer, of_expected = supports[: len(said)], supports[len(said) :]
    found = {"answer_relevance": answer_relevance(question, answer) if known else 0.0}
    if said:
        found["faithfulness"] = share_supported(of_answer)
    if wanted:
        found["context_recall"] = share_supported(of_expected)
    if (wanted or said) and len(passages):
        found["context_precision"] = average_precision((of_expected if wanted else of_answer).any(axis=0))
    return found


def statements(text: str) -> list[str]:
    """Return the sentences of a text that state something; all of a text that is no more than a few words."""
    sentences = [plain_sentence(match[0])[:LONGEST_SENTENCE] for match in list(SENTENCE.finditer(text))[:MAX_SENTENCES]]
    stating = [sentence for sentence in sentences if claims_something(sentence)]
    whole = plain_sentence(text)[:LONGEST_SENTENCE]
    return stating or ([whole] if content_words(whole) else [])


def share_supported(supports: Supports) -> float:
    """Return the share of sentences that a passage supports; bool [sentences, passages], at least one sentence."""
    return float(supports.any(axis=1).mean()) if supports.shape[1] else 0.0


def average_precision(useful: ArrayLike) -> float:
    """Return the mean of precision@k over the places k of useful passages, 0 where none is."""
    flags = np.asarray(useful, np.float64)
    if not flags.any():
        return 0.0
    precision = np.cumsum(flags) / np.arange(1, len(flags) + 1)
    return float((precision * flags).sum() / flags.sum())


def answer_relevance(question: str, answer: str) -> float:
    """Return how much an answer is about the question, 0..1; 0 for an answer without words.

    Raises:
        EmbedderError: they could not be embedded.
    """
    sentences = statements(answer)
    if not sentences:
        return 0.0
    stretches = [*sentences, *(" ".join(pair) for pair in pairwise(sentences))]
    vectors = get_embedder().encode_texts([question, *stretches])
    nearest = float(np.clip((vectors[1:] @ vectors[0]).max(), 0.0, 1.0))
    asked = content_words(question)
    said = content_words(answer)
    return (nearest + (len(asked & said) / len(asked) if asked else nearest)) / 2
