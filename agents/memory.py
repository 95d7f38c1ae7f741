"""What the agent remembers of a conversation: recent messages, a running summary, the topic of a follow-up.

The summary is made without a model, from the questions asked and the documents cited: it costs nothing, cannot invent
anything, and the recent messages are in the prompt anyway. A follow-up is rewritten by the model when there is one and
the question leans on what came before; otherwise, and whenever the model takes too long, the topic is carried over by
`agents.followup`.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from agents.citations import SHOWN_NUMBER
from agents.followup import carry_topic, is_dependent
from agents.llm import chain
from agents.llm.base import Finished, LLMError, Message, Options, TextDelta
from agents.models import Feature
from agents.prompts import FILES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agents.context import PastMessage, Turn
    from agents.llm.base import Provider
    from agents.prompts import Prompts

RECENT_TOKENS = 2000
"""Budget of the verbatim messages, estimated."""
CHARACTERS_PER_TOKEN = 4
MAX_SUMMARY = 800
"""Characters."""
MAX_TOPIC = 120
"""Characters of one question in the summary."""
REWRITE_LIMIT = 2.5
"""Seconds the model has for a rewritten question."""
REWRITE_TOKENS = 80
MAX_REWRITTEN = 400
"""Characters; a longer "question" is an answer."""
QUESTIONS = "Asked before: "
SOURCES = "Documents used: "
SEPARATOR = " | "


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A question that stands alone, and who made it so."""

    question: str
    by: Literal["unchanged", "topic", "model"]


def recent_messages(turn: Turn) -> list[PastMessage]:
    """Return the last messages that fit `RECENT_TOKENS`, oldest first."""
    kept: list[PastMessage] = []
    left = RECENT_TOKENS * CHARACTERS_PER_TOKEN
    for message in reversed(turn.history):
        left -= len(message.text)
        if left < 0:
            break
        kept.append(message)
    return kept[::-1]


def as_prompt(messages: Sequence[PastMessage]) -> list[Message]:
    """Return past messages for a model, without the citation numbers of their own turns."""
    return [
        Message("user", message.text)
        if message.role == "customer"
        else Message("assistant", SHOWN_NUMBER.sub("", message.text))
        for message in messages
    ]


async def standalone_question(turn: Turn, model: Provider | None, prompts: Prompts = FILES) -> Rewritten:
    """Return the turn's question so that it can be searched for, asking `model` only when the question needs it."""
    past = [message for message in turn.history if message.text.strip()]
    asked = [message.text for message in past if message.role == "customer"] or _asked_before(turn.summary)
    if not asked or not is_dependent(turn.question, turn.language):
        return Rewritten(turn.question, "unchanged")
    if model is not None:
        by_model = await _ask_model(turn, model, prompts)
        if by_model:
            return Rewritten(by_model, "model")
    replies = [message.text for message in past if message.role == "assistant"]
    question = carry_topic(turn.question, asked, SHOWN_NUMBER.sub("", replies[-1]) if replies else "", turn.language)
    return Rewritten(question, "topic" if question != turn.question else "unchanged")


async def _ask_model(turn: Turn, model: Provider, prompts: Prompts) -> str:
    """Return the model's rewriting, empty when it fails, is slow or does not look like a question."""
    messages = [
        Message("system", prompts.fill("rewrite")),
        *as_prompt(recent_messages(turn)[-4:]),
        Message("user", turn.question),
    ]
    options = Options(temperature=0.0, max_tokens=REWRITE_TOKENS, feature=Feature.REWRITE)
    text = ""
    try:
        async with asyncio.timeout(REWRITE_LIMIT), aclosing(chain.stream([model], messages, (), options)) as chunks:
            async for chunk in chunks:
                if isinstance(chunk, TextDelta):
                    text += chunk.text
                elif isinstance(chunk, Finished) and chunk.reason == "truncated":
                    return ""
    except (LLMError, TimeoutError):
        return ""
    question = text.strip().strip('"')
    return question if len(question) <= MAX_REWRITTEN and "\n" not in question else ""


def running_summary(summary: str, question: str, titles: Sequence[str]) -> str:
    """Return the summary with this question and its cited titles added, the oldest dropped beyond `MAX_SUMMARY`."""
    asked = [*_asked_before(summary), _shorten(question)]
    used = list(dict.fromkeys([*_entries(summary, SOURCES), *(_shorten(title) for title in titles)]))
    while True:
        lines = [QUESTIONS + SEPARATOR.join(asked)] + ([SOURCES + SEPARATOR.join(used)] if used else [])
        text = "\n".join(lines)
        if len(text) <= MAX_SUMMARY:
            return text
        longer = used if len(used) > len(asked) else asked
        longer.pop(0)


def _shorten(text: str) -> str:
    line = " ".join(text.replace(SEPARATOR, " ").split())
    return line if len(line) <= MAX_TOPIC else line[: MAX_TOPIC - 1] + "…"


def _asked_before(summary: str) -> list[str]:
    return _entries(summary, QUESTIONS)


def _entries(summary: str, label: str) -> list[str]:
    for line in summary.splitlines():
        if line.startswith(label):
            return [entry for entry in line.removeprefix(label).split(SEPARATOR) if entry]
    return []
