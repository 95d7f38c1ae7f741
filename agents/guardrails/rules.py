"""A tenant's own rules: what the assistant does not talk about, what it always adds, and how it speaks."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from agents.words import content_words
from knowledge.embedding.base import get_embedder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agents.models import AnswerPolicy
    from knowledge.embedding.base import Floats

NEAR, LEAD = 0.25, 0.05
"""Cosine of a question with a topic from which it is about it, and by how much it must be nearer to the topic than to
what shops are asked anyway. Measured on `benchmarks/data/blocked_topics.jsonl` with topics of one or two English words:
three quarters of the questions about a topic, .2 % of the ordinary ones a topic; words beside a topic find more."""
ORDINARY = (
    "an order",
    "a delivery",
    "a return or refund",
    "a product and its features",
    "a price or discount",
    "the warranty",
    "an account or password",
    "payment and invoices",
    "opening hours and contact",
    "something broken",
    "which product is better",
    "how to use a device",
)
MAX_TONE = 1000  # characters


class Topic(NamedTuple):
    """A topic and further words for it."""

    name: str
    words: tuple[str, ...]


def read_topic(line: str) -> Topic:
    """Return the topic that a line such as "legal advice: lawyer, sue" tells."""
    name, _, words = line.partition(":")
    return Topic(name.strip(), tuple(word.strip() for word in words.split(",") if word.strip()))


def blocked_topic(question: str, policy: AnswerPolicy) -> str:
    """Return the name of the blocked topic that a question is about, empty for none; may embed: not for the event loop.

    Raises:
        EmbedderError: the embedder cannot be used.
    """
    topics = [read_topic(line) for line in policy.blocked_topics if isinstance(line, str) and line.strip()]
    for topic in topics:
        if any(_says(question, words) for words in (topic.name, *topic.words)):
            return topic.name
    if not topics:
        return ""
    vector = get_embedder().encode_texts([question])[0]
    near = vectors_of(tuple(topic.name for topic in topics)) @ vector
    ordinary = float((vectors_of(ORDINARY) @ vector).max())
    best = int(near.argmax())
    return topics[best].name if near[best] >= max(NEAR, ordinary + LEAD) else ""


def vectors_of(topics: tuple[str, ...]) -> Floats:
    """Return unit vectors of topics, float32 [n, d]."""
    return _vectors(get_embedder().name, topics)


@lru_cache(maxsize=64)
def _vectors(embedder: str, topics: tuple[str, ...]) -> Floats:
    del embedder  # the vectors are kept by it
    return np.asarray(get_embedder().encode_texts([f"a question about {topic}" for topic in topics]))


def phrases_to_add(question: str, answer: str, policy: AnswerPolicy) -> list[str]:
    """Return what must be said below an answer: its words match the question or the answer, and it is not said yet."""
    told, wanted = _plain(answer), []
    for rule in policy.required_phrases:
        if not isinstance(rule, dict) or not str(rule.get("say", "")).strip():
            continue
        text, when = str(rule["say"]).strip(), _texts(rule.get("when"))
        said = _plain(text) in told or text in wanted
        if not said and (not when or any(_says(question, words) or _says(answer, words) for words in when)):
            wanted.append(text)
    return wanted


def fenced_tone(policy: AnswerPolicy) -> str:
    """Return the tenant's style as text that cannot close its fence, at most `MAX_TONE` characters; empty for none."""
    return re.sub(r"[<>]", "", policy.tone).strip()[:MAX_TONE]


def _says(text: str, words: str) -> bool:
    """Return whether all words of a phrase are in a text, whatever their endings."""
    wanted = content_words(words)
    return bool(wanted) and wanted <= content_words(text)


def _texts(value: Any) -> Sequence[str]:
    return [word for word in value if isinstance(word, str) and word.strip()] if isinstance(value, list) else []


def _plain(text: str) -> str:
    return " ".join(text.lower().split())
