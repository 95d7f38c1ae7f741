"""Long needs: in a text of several sentences, each votes for the documents that it may be about.

A sentence spreads one vote over the documents, softmax(15 * score), as heavy as its best score squared; its score of a
document is that of the document's best chunk, by meaning and by words. Sentences that are about nothing in particular
spread their vote thinly, and small talk that resembles nothing weighs little, so that nobody has to say which sentences
matter. A voting model of rankings of parts of a query, after Macdonald and Ounis, CIKM 2006.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import regex

from knowledge.embedding.base import PassageInput
from knowledge.indexes.whitening import SMALLEST
from knowledge.retrieval import fusion
from knowledge.retrieval.ranking import Ranking, one_of_each, rank, searchable
from knowledge.retrieval.weights import CHOSEN, Weights, fineness
from knowledge.sentences import split_sentences

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from knowledge.embedding.base import Embedder, QueryEncoding
    from knowledge.indexes.base import Floats
    from knowledge.indexes.snapshot import Snapshot
    from knowledge.indexes.whitening import Whitening

SENTENCES = 2  # that say something; already "I hope you can help me." before a question costs .02 R@1 where all is one
MOST = 128  # sentences that vote, from the beginning; the end counts: R@10 of whole stories .38, of their first 32 .33
SHARPNESS = np.float32(15)
HEAVINESS = 2  # power of a vote's best score; 1 costs 0 to .024 nDCG@10 where small talk stands between the needs
ALL = 5_000  # rows up to which each one is a candidate
QUESTION = 2_000  # characters by which is told whether there is an answer
WORDS = 1_000  # rows of which a sentence's words are looked at, where more are no candidates
MEANING = 1.75  # of a vote's score, times the share of meaning in a question's
MEANS = {"all-MiniLM-L6-v2": Path(__file__).parent / "minilm_needs.npy"}

# Three words, or as many letters of a script that is written without spaces as make some.
_SAYS_SOMETHING = regex.compile(
    r"(?:[\p{L}\p{M}\p{N}]+[^\p{L}\p{M}\p{N}]+){2}[\p{L}\p{N}]"
    r"|[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]{6}"
)
_ASKS = regex.compile(r"[?？؟;⸮]\W*$")  # noqa: RUF001 (question marks of other scripts)


class Need(NamedTuple):
    """A story as its sentences see it.

    Attributes:
        sentences: those that vote.
        vectors: float32 [n, d], unit length, each sentence as its neighbours show it.
        asks: bool [n], whether it is a question.
    """

    sentences: tuple[str, ...]
    vectors: Floats
    asks: NDArray[np.bool_]


def story_sentences(text: str) -> tuple[tuple[int, int], ...]:
    """The spans of a story's sentences; none of a text that is short enough to be one question."""
    spans = [span for span in split_sentences(text) if _SAYS_SOMETHING.search(text, *span)]
    return tuple(spans[:MOST]) if len(spans) >= SENTENCES else ()


def encode_need(text: str, embedder: Embedder) -> Need | None:
    """A story's sentences and their vectors, from one pass over the whole; None for what is not a story.

    Raises:
        EmbedderError: the story could not be embedded.
    """
    spans = story_sentences(text)
    if not spans:
        return None
    begin, end = spans[0][0], spans[-1][1]
    inner = tuple((first - begin, last - begin) for first, last in spans)
    vectors = embedder.encode_passages([PassageInput("", text[begin:end], inner)])[0].sentences
    sentences = tuple(text[first:last] for first, last in spans)
    return Need(sentences, vectors, np.array([bool(_ASKS.search(sentence)) for sentence in sentences]))


def rank_need(
    snapshot: Snapshot,
    need: Need,
    encoding: QueryEncoding,
    documents: Collection[int] | None = None,
    weights: Weights = CHOSEN,
) -> Ranking:
    """Rank the chunks of `snapshot`, or those of `documents` only (ids), by the votes of a story's sentences.

    A document's best chunk has all votes for the document, its others have their own. How answerable a story is, its
    beginning tells as if it were a question.
    """
    as_question = rank(snapshot, " ".join(need.sentences)[:QUESTION], encoding, documents, weights)
    towards = _directions(snapshot.whitening, need, snapshot.model)
    rows, lexical = _candidates(snapshot, need, towards, searchable(snapshot, documents))
    if not len(rows):
        return as_question
    dense = snapshot.whitened_scores(rows, towards)
    pieces = fineness(snapshot.pieces_per_word, encoding.pieces_per_word)
    share = np.float32(min(MEANING * weights.dense_share(pieces), 1.0))
    votes = _votes(share * dense + (1 - share) * lexical, snapshot.documents[rows])
    order = np.argsort(-votes, kind="stable")
    order = order[one_of_each(snapshot.fingerprints[rows[order]])]
    fused = votes / max(float(votes.max()), SMALLEST)
    cosine, _ = snapshot.sentence_scores(rows, encoding.vector)
    ranking = Ranking(rows, fused, lexical.max(axis=0), dense.max(axis=0), cosine, as_question.answerability)
    return ranking.ordered(order)


def _directions(whitening: Whitening, need: Need, model: str) -> Floats:
    """What a raw sentence of the corpus is multiplied with for its whitened cosine with each of a story's, [n, d]."""
    told = mean_of_needs(model)
    means = np.where(need.asks[:, None] | (told is None), whitening.question_mean, told if told is not None else 0)
    whitened = (need.vectors - means) @ whitening.factor
    lengths = np.maximum(np.linalg.norm(whitened, axis=1, keepdims=True), SMALLEST)
    directions: Floats = ((whitened / lengths) @ whitening.factor.T).astype(np.float32)
    return directions


@cache
def mean_of_needs(model: str) -> Floats | None:
    """The mean of the sentences in which people tell what they need, float32 [d]; None where nobody measured it."""
    return np.load(MEANS[model]).astype(np.float32) if model in MEANS else None


def _candidates(
    snapshot: Snapshot, need: Need, towards: Floats, found: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], Floats]:
    """The rows that any sentence may mean, and the score of each sentence's words in them, float32 [n, rows]."""
    allowed = np.flatnonzero(found)
    if len(allowed) <= ALL or snapshot.paragraphs is None:
        return allowed, np.stack([snapshot.lexical.scores(each).combined[allowed] for each in need.sentences])
    narrowed = None if found is snapshot.live else allowed
    rows, worded = [], []
    for sentence, direction in zip(need.sentences, towards, strict=True):
        scores = np.where(found, snapshot.lexical.scores(sentence).combined, 0)
        best = fusion.best(scores, WORDS)
        worded.append((best, scores[best]))
        rows.append(best[fusion.best(scores[best], fusion.LEG)])
        rows.append(snapshot.paragraphs.search(direction, fusion.LEG, narrowed)[0])
    candidates = np.unique(np.concatenate(rows))
    candidates = candidates[found[candidates]]
    lexical = np.zeros((len(worded), len(candidates)), np.float32)
    for line, (best, scores) in zip(lexical, worded, strict=True):
        _, here, there = np.intersect1d(candidates, best, assume_unique=True, return_indices=True)
        line[here] = scores[there]
    return candidates, lexical


def _votes(scores: Floats, documents: NDArray[np.int64]) -> Floats:
    """The votes for each row, float32 [rows], from the scores of every sentence, float32 [n, rows]."""
    order = np.argsort(documents, kind="stable")
    bounds = np.flatnonzero(np.diff(documents[order], prepend=-1))
    by_document = np.maximum.reduceat(scores[:, order], bounds, axis=1)
    best = by_document.max(axis=1, keepdims=True)
    spread = np.exp(SHARPNESS * (by_document - best))
    spread *= np.maximum(best, 0) ** HEAVINESS / spread.sum(axis=1, keepdims=True)
    owner = np.repeat(np.arange(len(bounds)), np.diff(bounds, append=len(documents)))
    own = np.where(scores[:, order] == by_document[:, owner], spread[:, owner], 0).sum(axis=0)
    first = np.lexsort((-own, owner))[bounds]  # the best chunk of each document
    own[first] = spread.sum(axis=0)
    total = np.empty(len(documents), np.float32)
    total[order] = own
    return total
