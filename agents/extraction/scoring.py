"""How well each piece of the first passages answers the question.

The scorer of the retrieval notes: cosine of sentence vectors + late-interaction MaxSim (Khattab and Zaharia 2020)
weighted by how rare each query piece is + .5 * word overlap, each min-max normalised over the pieces, minus .4 for
every rank of the passage.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from agents.extraction.expectation import expects_figure, meets_expectation
from agents.extraction.sections import Fit, fit_passages, headings_of, text_before
from agents.extraction.units import find_units
from agents.words import content_words, words
from knowledge.chunking.answers import question_of
from knowledge.indexes.analysis import split_words
from knowledge.models import ChunkKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from agents.extraction.units import Unit
    from knowledge.embedding.base import QueryEncoding
    from knowledge.retrieval.search import Passage, SearchResult

    Floats = NDArray[np.float32]

PASSAGES = 3
"""The first three passages hold the gold answer of 97 % of SQuAD questions; more only distract."""
HEADING_ORDER = 0.5
BEGINNING_ORDER = 0.6
COVERAGE_ORDER = 0.3
"""What a passage's fit adds to its score (0..1) when the first three are chosen among all that were found."""
HEADING_BONUS = 0.5
"""For every piece under a heading that is what is asked."""
LEAD_BONUS = (0.5, 0.3)
"""For the first and the second piece of a section or document that the question is about as a whole."""
DANGLING_PENALTY = 0.4
"""For a sentence that refers to what stands before it."""
OVERLAP_WEIGHT = 0.5
RANK_PENALTY = 0.4
EXPECTED_BONUS = 0.4
CODE_BONUS = 0.5
"""For holding a code of the question's ("E07") that the heading does not hold already."""
OPENING_BONUS = 0.15
"""The first sentence of a section tends to say what the rest details."""


DANGLING = re.compile(
    r"(?:this|that|these|those|it|its|they|them|their|he|she|both|such|so|then|therefore|thus|however|otherwise|instead"
    r"|also|but|and|or|the (?:rest|others?|same|latter|former)|if (?:this|that|it|so|not|the rest)|after (?:this|that)"
    r"|eso|esto|esta|este|estos|estas|además|pero|también|por eso|dies|diese[rs]?|das|sie|er|es|dann|außerdem|aber|auch"
    r"|ce|cela|cette|ces|il|elle|ils|elles|mais|aussi|ensuite)\b(?!-)",
    re.IGNORECASE,
)
"""How sentences begin that mean little without the one before."""
OF_ITSELF = re.compile(
    r"(?:this|the|the following) (?:policy|manual|guide|document|page|article|section|chapter|tutorial)\b[^.]{0,40}?"
    r"\b(?:applies|describes|explains|covers|contains|shows|lists|is for|walks|will)\b",
    re.IGNORECASE,
)
"""How sentences begin that say what a text is about instead of what it says."""
NO_BEGINNING_PENALTY = 0.8
"""For such a sentence, and for one that dangles where an answer about a whole document would begin."""
BARE_ANSWER = re.compile(r"(?:yes|no|sí|ja|nein|oui|non)\b\s*[.,:;!]", re.IGNORECASE)
"""How sentences begin that answer the question of their heading, and no other."""
OWN_QUESTION = 0.5
"""The heading match from which a section's question is the customer's."""
EXACT = 0.8
"""The heading match from which a section is about nothing else."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A piece of passage number `passage` (from 1) and its score; only differences of scores mean anything.

    Attributes:
        fit: how the passage fits the question.
        dangling: whether it refers to what stands before it.
    """

    passage: int
    unit: Unit
    score: float
    fit: Fit
    dangling: bool


class _Candidate(NamedTuple):
    number: int
    passage: Passage
    fit: Fit
    unit: Unit
    place: int  # among the units of its passage
    text: str
    meets: bool  # holds the kind of figure asked for
    dangling: bool


def score_units(question: str, result: SearchResult) -> list[Scored]:
    """Return the pieces of the `PASSAGES` passages that fit best, in reading order, with their scores."""
    fits = fit_passages(question, result.passages)
    places = {number: place for place, number in enumerate(_best_passages(result.passages, fits))}
    units = [
        unit
        for number in sorted(places)
        for unit in _candidates(question, number + 1, result.passages[number], fits[number])
    ]
    if not units:
        return []
    scores = {number: _sentence_scores(result.passages[number], result.encoding) for number in places}
    total = OVERLAP_WEIGHT * _min_max(_overlaps(question, units))
    for kind in range(2):
        total += _min_max([_best(scores[unit.number - 1][kind], unit.unit.sentences) for unit in units])
    return [
        Scored(
            unit.number,
            unit.unit,
            float(score) + _bonus(question, unit) - RANK_PENALTY * places[unit.number - 1],
            unit.fit,
            unit.dangling,
        )
        for unit, score in zip(units, total, strict=True)
    ]


def _candidates(question: str, number: int, passage: Passage, fit: Fit) -> Iterator[_Candidate]:
    is_code = passage.kind == ChunkKind.CODE
    for place, unit in enumerate(find_units(passage.text, passage.sentences, text_before(passage), is_code=is_code)):
        text = passage.text[unit.start : unit.end]
        if passage.kind == ChunkKind.ANSWER and question_of(text) == passage.found_by.partition("\n")[0]:
            continue  # the question; what is quoted is its answer
        if unit.kind == "code":
            text = " ".join(split_words(text))
        meets = meets_expectation(question, text)
        own = fit.opens and fit.heading >= OWN_QUESTION and not place
        # "It is 1.38 kg." says what was asked for.
        yield _Candidate(number, passage, fit, unit, place, text, meets, not meets and _dangles(text, own=own))


def _best_passages(passages: Sequence[Passage], fits: Sequence[Fit]) -> list[int]:
    if any(fit.beginning for fit in fits):  # of a document as a whole, what comes later is detail
        wanted = [number for number, fit in enumerate(fits) if fit.beginning or fit.heading >= EXACT]
    else:
        wanted = list(range(len(passages)))

    def order(number: int) -> float:
        fit = fits[number]
        extra = HEADING_ORDER * fit.heading + BEGINNING_ORDER * fit.beginning + COVERAGE_ORDER * fit.coverage
        return -(passages[number].score + extra)

    return sorted(wanted, key=order)[:PASSAGES]


def _dangles(text: str, *, own: bool) -> bool:
    """Return whether `text` needs what stands before it; `own`: it follows a heading that asks the question."""
    text = text.lstrip("-*+> \t")
    return bool(DANGLING.match(text) or (BARE_ANSWER.match(text) and not own))


def _sentence_scores(passage: Passage, query: QueryEncoding) -> tuple[Floats, Floats]:
    """Return the cosines and the MaxSims of a passage's sentences."""
    weights = piece_rarity(query.token_ids)
    with np.errstate(invalid="ignore"):  # BLAS may raise the flag for what it reads beyond the end of short arrays
        return passage.sentence_vectors @ query.vector, _max_sims(passage, query.tokens, weights)


def _max_sims(passage: Passage, query: Floats, weights: Floats) -> Floats:
    if not len(passage.tokens) or not len(query):
        return np.zeros(0, np.float32)
    tokens = passage.tokens.astype(np.float32)
    tokens /= np.linalg.norm(tokens, axis=1, keepdims=True) + 1e-6
    similarity = tokens @ query.T  # [tokens, query pieces]
    best = np.zeros((len(passage.sentences), query.shape[0]), np.float32)
    valid = passage.token_sentences < len(passage.sentences)  # the others are of what it is found by
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


def _overlaps(question: str, units: Sequence[_Candidate]) -> list[float]:
    """Return for each unit the idf-weighted share of the question's words in it; idf counts the units themselves.

    A section speaks of what its title and headings name, so their words count as said in each of its sentences.
    """
    asked = content_words(question)
    held = [(content_words(unit.text) | _named(unit.passage)) & asked for unit in units]
    frequency = Counter(word for shared in held for word in shared)
    idf = {word: math.log(1 + len(units) / count) for word, count in frequency.items()}
    return [sum(idf[word] for word in shared) for shared in held]


def _named(passage: Passage) -> frozenset[str]:
    return content_words(" ".join((passage.title, *headings_of(passage))))


def _bonus(question: str, unit: _Candidate) -> float:
    """Return what a unit gains for what is asked: a figure, a code, its section or the beginning of its document."""
    fit, text = unit.fit, unit.text
    lead = max(fit.heading if fit.opens else 0.0, fit.beginning)
    gain = EXPECTED_BONUS if unit.meets else 0.0
    if unit.meets or not expects_figure(question):
        gain += HEADING_BONUS * fit.heading
        if unit.place < len(LEAD_BONUS) and not unit.dangling:
            gain += LEAD_BONUS[unit.place] * lead
    codes = {word for word in words(question) if not word.isdigit() and any(map(str.isdigit, word))}
    if codes & set(words(text)) - set(words(" ".join((unit.passage.title, *headings_of(unit.passage))))):
        gain += CODE_BONUS
    if not unit.place:
        gain += OPENING_BONUS
    if OF_ITSELF.match(text) or (fit.beginning and unit.dangling):
        return gain - NO_BEGINNING_PENALTY
    # In a manual of the X1, "it" is the X1.
    about_subject = not content_words(question).isdisjoint(content_words(unit.passage.title))
    return gain - (DANGLING_PENALTY if unit.dangling and not about_subject else 0.0)


def _best(scores: Floats, sentences: Sequence[int]) -> float:
    return max((float(scores[index]) for index in sentences if index < len(scores)), default=0.0)


def _min_max(values: Sequence[float]) -> Floats:
    array = np.asarray(values, np.float32)
    spread = float(array.max() - array.min())
    return (array - array.min()) / spread if spread > 0 else np.zeros_like(array)
