"""Intents by a language model, for where there is time for one; its answer is checked and never more than names."""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import aclosing
from typing import TYPE_CHECKING

from agents.llm.base import LLMError, Message, Options, TextDelta
from agents.models import Feature
from agents.prompts import FILES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agents.llm.base import Provider
    from agents.prompts import Prompts

LIMIT = 4.0
"""Seconds the model has."""
MAX_TOKENS = 100
MAX_TEXT = 2000
"""Characters of the message that the model sees."""
MAX_ANSWER = 2000
"""Characters after which an answer is no list of names."""
MAX_INTENTS = 4
FENCE = re.compile(r"<(?=\s*/?\s*message)", re.IGNORECASE)
CODE_FENCE = re.compile(r"^```(?:json)?\s*|\s*```$", re.IGNORECASE)


async def classify_with_model(
    provider: Provider, text: str, intents: Mapping[str, str], prompts: Prompts = FILES
) -> tuple[str, ...] | None:
    """Ask a model which of `intents` (name to description) a message has.

    Returns:
        Names of `intents`, the most important first, possibly none; None when the model fails, takes longer than
        `LIMIT` or answers something else, so that the caller keeps what the classifier says.
    """
    listed = "\n".join(
        f"- {name}: {description}" if description else f"- {name}" for name, description in intents.items()
    )
    fenced = FENCE.sub("(", text[:MAX_TEXT])
    messages = [
        Message("system", prompts.fill("classify", intents=listed)),
        Message("user", f"<message>{fenced}</message>"),
    ]
    answer = ""
    try:
        options = Options(temperature=0.0, max_tokens=MAX_TOKENS, feature=Feature.CLASSIFY)
        stream = provider.stream(messages, (), options)
        async with asyncio.timeout(LIMIT), aclosing(stream) as chunks:
            async for chunk in chunks:
                if isinstance(chunk, TextDelta):
                    answer += chunk.text
                if len(answer) > MAX_ANSWER:
                    return None
    except (LLMError, TimeoutError):
        return None
    return read_answer(answer, intents)


def read_answer(answer: str, intents: Mapping[str, str]) -> tuple[str, ...] | None:
    """The known intents of a model's answer without repeats; None when the answer has another form."""
    try:
        value = json.loads(CODE_FENCE.sub("", answer.strip()))
    except (ValueError, RecursionError):
        return None
    names = value.get("intents") if isinstance(value, dict) and value.keys() == {"intents"} else None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return None
    known = tuple(dict.fromkeys(name for name in names if name in intents))[:MAX_INTENTS]
    return known if known or not names else None
