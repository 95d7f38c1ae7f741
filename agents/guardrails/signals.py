"""What a message shows before it is answered: its size, its language, abuse, and attempts to turn the assistant.

Signals are noted for reviewers and give a turn extra care: a reminder in the prompt, and an answer that no cache keeps.
Nothing is refused for them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from agents.guardrails.abuse import find_abuse
from agents.guardrails.injection import SUSPICIOUS, Injection, score_injection, score_signs
from knowledge.indexes.language import detect_language

if TYPE_CHECKING:
    from collections.abc import Iterable

    from knowledge.embedding.base import Floats

QUICK = 600
"""Characters up to which a message is inspected in 1.3 ms at most; a usual one takes .3 ms."""
MAX_PASSAGE = 1500  # characters of a passage that are looked at


@dataclass(frozen=True, slots=True)
class Signals:
    """What was noticed of a message.

    Attributes:
        characters: its length.
        language: ISO 639-1, as far as its function words tell.
        abuse: "insult", "threat".
        injection: 0..1.
        reasons: why, for reviewers.
    """

    characters: int
    language: str
    abuse: tuple[str, ...] = ()
    injection: float = 0.0
    reasons: tuple[str, ...] = ()

    @property
    def careful(self) -> bool:
        """Whether the turn gets extra care."""
        return self.injection >= SUSPICIOUS

    def record(self) -> dict[str, Any]:
        """Return what the trace keeps."""
        kept = asdict(self)
        return {**kept, "abuse": list(self.abuse), "reasons": list(self.reasons), "careful": self.careful}


def inspect(question: str, default_language: str, vector: Floats | None = None) -> Signals:
    """Look at a customer's message: .3 ms for a short one, 7 ms for the longest.

    Args:
        question: what was written.
        default_language: what is assumed where the words do not tell.
        vector: float32 [d], unit length: the sentence vector, where a search has made it.
    """
    found = score_injection(question, vector)
    language = detect_language([question], default_language)
    return Signals(len(question), language, find_abuse(question), found.score, found.reasons)


@lru_cache(maxsize=1024)
def _signs_of(passage: str) -> Injection:
    """Passages come again from turn to turn, and to look through one takes 1 ms."""
    return score_signs(passage)


def suspicious_passages(texts: Iterable[str]) -> list[dict[str, Any]]:
    """Return the numbers (from 1) of passages that hold instructions to an assistant, with score and reasons."""
    found = ((number, _signs_of(text[:MAX_PASSAGE])) for number, text in enumerate(texts, 1))
    return [{"n": n, "score": s.score, "reasons": list(s.reasons)} for n, s in found if s.score >= SUSPICIOUS]
