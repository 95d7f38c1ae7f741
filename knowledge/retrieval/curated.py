"""Answers that a curator wrote for certain questions: which of them, if any, a question asks for.

The same words always match, whatever their endings. Other words match where their vectors are near and
somebody who knows what keeps two questions apart agrees: a vector alone takes a question about another product, or the
opposite, for the same one (measured in benchmarks/curated.py). Who that is, is said from above (`JUDGES`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from knowledge.indexes.analysis import Analyser, split_words
from knowledge.indexes.language import detect_language

if TYPE_CHECKING:
    from collections.abc import Callable

    from knowledge.indexes.base import Floats

NEAR = 0.5  # cosine, less what the judge takes off, from which questions may be the same
JUDGED = 20  # nearest wordings that are looked at closely
SAME_WORDS = 1.0


@dataclass(slots=True)
class Judges:
    """Who tells questions apart; set once as the process starts.

    Attributes:
        same: called with two questions and their language (ISO 639-1); returns what is to be taken off their cosine,
            None for different questions. None where nobody can tell: then only the same words match.
    """

    same: Callable[[str, str, str], float | None] | None = None


JUDGES = Judges()


class Wording(NamedTuple):
    """One way to ask for a curated answer.

    Attributes:
        vector: float32 [d], unit length; None until it was made.
    """

    text: str
    curated: int
    document: int
    answer: str
    vector: Floats | None


class Curated(NamedTuple):
    """A curated answer that a question asks for.

    Attributes:
        curated, document: database ids.
        wording: the one that matched.
        similarity: 1 for the same words.
    """

    curated: int
    document: int
    wording: str
    answer: str
    similarity: float


@dataclass(frozen=True, slots=True, eq=False)
class CuratedAnswers:
    """All wordings of a tenant, and the model that made their vectors; safe for any number of threads."""

    wordings: tuple[Wording, ...] = ()
    model: str = ""
    _by_words: dict[str, dict[tuple[int, ...], Wording]] = field(default_factory=dict)

    def match(self, question: str, language: str, vector: Floats | None, model: str) -> Curated | None:
        """The answer that a question asks for.

        Args:
            question: in any language.
            language: of the corpus, for questions that are too short to tell theirs.
            vector: the question's, float32 [d], by `model`; None where there is none.
            model: vectors of another one are not compared.
        """
        if not self.wordings:
            return None
        language = detect_language([question], language)
        same = self._same_words(question, language)
        if same is not None:
            return _curated(same, SAME_WORDS)
        return self._alike(question, language, vector) if vector is not None and model == self.model else None

    def _same_words(self, question: str, language: str) -> Wording | None:
        if language not in self._by_words:
            analyser = Analyser(language)
            self._by_words[language] = {_plain(wording.text, analyser): wording for wording in self.wordings[::-1]}
        plain = _plain(question, Analyser(language))
        return self._by_words[language].get(plain) if plain else None

    def _alike(self, question: str, language: str, vector: Floats) -> Curated | None:
        judge = JUDGES.same
        known = [wording for wording in self.wordings if wording.vector is not None]
        if judge is None or not known:
            return None
        cosines = np.stack([wording.vector for wording in known if wording.vector is not None]) @ vector
        best: Curated | None = None
        for place in np.argsort(-cosines, kind="stable")[:JUDGED].tolist():
            if cosines[place] < NEAR:
                break
            less = judge(question, known[place].text, language)
            similarity = 0.0 if less is None else float(cosines[place]) - less
            if similarity >= NEAR and (best is None or similarity > best.similarity):
                best = _curated(known[place], min(similarity, SAME_WORDS))
        return best


def _plain(text: str, analyser: Analyser) -> tuple[int, ...]:
    """The words of a text as the index has them; their order says who does what to whom."""
    return tuple(analyser.word_keys([split_words(text)]).tolist())


def _curated(wording: Wording, similarity: float) -> Curated:
    return Curated(wording.curated, wording.document, wording.text, wording.answer, similarity)
