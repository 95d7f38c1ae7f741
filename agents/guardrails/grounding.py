"""Whether what an answer says stands in the passages it cites, sentence by sentence; without a second model.

Numbers with their units, names and codes must be there exactly. The rest is a logistic model over how many words the
passage holds, the cosine of sentence vectors, late interaction (Khattab and Zaharia 2020) and denials; its coefficients
are those of `python -m benchmarks.grounding --fit`. A sentence that is quoted word for word needs none of it.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from agents.citations import SHOWN_NUMBER
from agents.extraction.scoring import piece_rarity
from agents.guardrails.claims import contradicts, denies
from agents.words import content_words
from knowledge.embedding.base import EmbedderError, PassageInput, get_embedder
from knowledge.indexes.language import detect_language

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from knowledge.embedding.base import Floats, PassageEncoding
    from knowledge.retrieval.search import Passage

FEATURES = ("coverage", "sentence cosine", "passage cosine", "interaction", "weakest interaction", "denied")
WEIGHTS = (0.63, 2.11, 0.13, 6.26, -2.13, -2.44)
BIAS = -4.78
NEUTRAL = (0.49, 0.45, 0.75, 0.56)
"""What counts for cosines and interactions where the embedder has none of them: the means of the development half."""
SUPPORTED = 0.5
"""Score from which a sentence counts as supported; chosen on the development half of `benchmarks.grounding`."""
MAX_EMBEDDED = 6
"""Sentences of an answer that are embedded; of a longer one the rest is judged by words alone."""
MAX_SENTENCES = 40
LONGEST_SENTENCE = 1_000
"""Characters of a sentence that are judged; a model that never stops writes longer ones."""
FEWEST_WORDS = 2
"""Content words without which a sentence claims nothing."""
SENTENCE = re.compile(r"(?:[^.!?\n|]|[.!?](?=\S))+[.!?]*(?:\s*\[\d{1,3}\])*[.!?]*")
MARKUP = re.compile(r"[*_`#>]+|^\s*(?:[-+]|\d+[.)])\s+", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence of an answer, `text[start:end]`, and how well its passage supports it (0..1)."""

    start: int
    end: int
    score: float
    why: str = ""
    """"number", "unit" or "name" when such a thing is not in the passage."""

    @property
    def supported(self) -> bool:
        """Whether it counts as supported."""
        return self.score >= SUPPORTED


@dataclass(frozen=True, slots=True)
class Grounding:
    """The sentences of an answer that claim something, in order."""

    statements: tuple[Statement, ...] = ()

    @property
    def share(self) -> float:
        """Share of them that are supported; 1 where nothing is claimed."""
        return sum(s.supported for s in self.statements) / len(self.statements) if self.statements else 1.0

    @property
    def unsupported(self) -> tuple[int, ...]:
        """Which of them are not, counted from 0."""
        return tuple(n for n, statement in enumerate(self.statements) if not statement.supported)

    def record(self) -> dict[str, Any]:
        """Return what the trace keeps."""
        spans = [[s.start, s.end, round(s.score, 3), s.why] for s in self.statements]
        return {"share": round(self.share, 3), "unsupported": list(self.unsupported), "statements": spans}


def check_grounding(
    text: str,
    numbers: Mapping[int, int],
    passages: Sequence[Passage],
    *,
    cited_only: bool = False,
    embed: bool = True,
) -> Grounding:
    """Judge the sentences of an answer; may embed: not for the event loop (11 ms for two reworded sentences).

    Args:
        text: the answer.
        numbers: passage number (from 1) -> number shown, as the output filter gives them.
        passages: what the passage numbers count.
        cited_only: leave out sentences without a number, where other sources than passages were read.
        embed: whether vectors are made of what is reworded; without them it is judged by words alone.
    """
    passage_of = {shown: passages[number - 1] for number, shown in numbers.items() if number <= len(passages)}
    cited = [shown for shown in passage_of if f"[{shown}]" in text]
    claims = []
    for match in list(SENTENCE.finditer(text))[:MAX_SENTENCES]:
        shown = dict.fromkeys(int(number) for number in SHOWN_NUMBER.findall(match[0]))  # each once, however often
        own = [number for number in shown if number in passage_of]
        said = plain_sentence(match[0])[:LONGEST_SENTENCE]
        if claims_something(said) and (own or not cited_only):
            sources = [passage_of[shown] for shown in (own or cited)]
            claims.append((match, said, sources))
    most = MAX_EMBEDDED if embed else 0
    scores = score_statements([(said, sources) for _, said, sources in claims], most=most)
    return Grounding(
        tuple(
            Statement(match.start() + _indent(match[0]), match.end(), score, why)
            for (match, _, _), (score, why) in zip(claims, scores, strict=True)
        )
    )


def plain_sentence(sentence: str) -> str:
    """Return a sentence without its numbers and its Markdown."""
    return " ".join(MARKUP.sub(" ", SHOWN_NUMBER.sub(" ", sentence)).split())


def claims_something(sentence: str) -> bool:
    """Return whether a sentence states something: not a question, nor a courtesy, nor the head of a list."""
    return not sentence.endswith(("?", ":")) and len(content_words(sentence)) >= FEWEST_WORDS


def score_statements(
    claims: Sequence[tuple[str, Sequence[Passage]]], *, most: int = MAX_EMBEDDED
) -> list[tuple[float, str]]:
    """Return for each (sentence, its passages) the best score, 0..1, and what of it no passage holds exactly.

    At most `most` sentences are embedded.
    """
    judged: list[tuple[float, str] | None] = [_by_words(said, sources) for said, sources in claims]
    open_ = [place for place, score in enumerate(judged) if score is None]
    encodings = _encode([claims[place][0] for place in open_[:most]])
    for order, place in enumerate(open_):
        said, sources = claims[place]
        encoding = encodings[order] if order < len(encodings) else None
        fitting = [source for source in sources if not contradicts_passage(said, source)]
        judged[place] = max(score_pair(said, source, encoding) for source in fitting), ""
    return [score for score in judged if score is not None]


def score_each(sentences: Sequence[str], passages: Sequence[Passage]) -> NDArray[np.float64]:
    """Return how well each passage by itself supports each sentence, 0..1, float64 [sentences, passages]."""
    encodings = _encode(sentences)
    scores = np.zeros((len(sentences), len(passages)))
    for row, said in enumerate(sentences):
        encoding = encodings[row] if encodings else None
        for column, passage in enumerate(passages):
            judged = _by_words(said, [passage])
            scores[row, column] = judged[0] if judged else score_pair(said, passage, encoding)
    return scores


def _by_words(said: str, sources: Sequence[Passage]) -> tuple[float, str] | None:
    """Judge what needs no vectors: quotes, and sentences that say something exact of which no passage knows."""
    if not sources:
        return 0.0, ""
    plain = _folded(said)
    if any(plain in _folded(source.text) for source in sources):
        return 1.0, ""
    problems = [contradicts_passage(said, source) for source in sources]
    if all(problems):
        return 0.0, problems[0]
    language = detect_language([sources[0].text], "")
    if detect_language([said], language) != language and len(said.split()) >= len(FEATURES):
        return SUPPORTED, ""  # words of two languages cannot be compared; numbers and names were
    return None


def score_pair(said: str, source: Passage, encoding: PassageEncoding | None) -> float:
    """Return how well a passage supports a sentence that contradicts nothing exact in it, 0..1."""
    total = BIAS + float(np.dot(WEIGHTS, features(said, source, encoding)))
    return 1 / (1 + math.exp(-total))


def features(said: str, source: Passage, encoding: PassageEncoding | None) -> NDArray[np.float64]:
    """Return the `FEATURES` of a sentence and a passage, float64 [6]."""
    words = content_words(said)
    held = content_words(f"{source.text} {_where(source)}")
    coverage = len(words & held) / len(words) if words else 0.0
    return np.array([coverage, *_vector_features(source, encoding), float(denies(said, source.text))])


def _vector_features(source: Passage, encoding: PassageEncoding | None) -> Sequence[float]:
    vectors = source.sentence_vectors
    if encoding is None or not len(vectors) or vectors.shape[1] != len(encoding.paragraph):
        return NEUTRAL
    if source.model not in ("", get_embedder().name):  # vectors of two models cannot be compared, however long
        return NEUTRAL
    cosines = vectors @ encoding.paragraph
    whole = vectors.sum(axis=0)
    passage_cosine = float(whole @ encoding.paragraph / (np.linalg.norm(whole) + 1e-6))
    return (float(cosines.max()), passage_cosine, *_interactions(source, encoding))


def _interactions(source: Passage, encoding: PassageEncoding) -> tuple[float, float]:
    """Return the weighted mean of each token's best match in the passage, and the mean of its weakest fifth."""
    if not len(source.tokens) or not len(encoding.tokens):
        return NEUTRAL[2], NEUTRAL[3]
    best = (_unit(encoding.tokens) @ _unit(source.tokens).T).max(axis=1)
    weakest = np.sort(best)[: max(1, len(best) // 5)]
    return float(best @ piece_rarity(encoding.token_ids)), float(weakest.mean())


def _unit(tokens: NDArray[np.int8]) -> Floats:
    rows = tokens.astype(np.float32)
    unit: Floats = rows / (np.linalg.norm(rows, axis=1, keepdims=True) + 1e-6)
    return unit


def _encode(sentences: Sequence[str]) -> list[PassageEncoding]:
    """The vectors of sentences; none where the embedder cannot be used, which makes the judgement coarser."""
    if not sentences:
        return []
    try:
        return get_embedder().encode_passages([PassageInput("", said, ((0, len(said)),)) for said in sentences])
    except EmbedderError:
        return []


def contradicts_passage(said: str, source: Passage) -> str:
    """Return what of a sentence a passage does not hold exactly; see `claims.contradicts`."""
    return contradicts(said, source.text, _where(source))


def _where(source: Passage) -> str:
    return " ".join((source.title, *source.heading_path, source.found_by))


def _folded(text: str) -> str:
    return " ".join(re.sub(r"[^\w%$€£.,]+", " ", text.lower()).split()).rstrip(".,")


def _indent(sentence: str) -> int:
    return len(sentence) - len(sentence.lstrip())
