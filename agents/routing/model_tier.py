"""Intents by a language model, for where there is time for one; its answer is checked and never more than names."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from agents.llm.base import LLMError, Message, Options
from agents.llm.structured import complete_json
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
MAX_INTENTS = 4
FENCE = re.compile(r"<(?=\s*/?\s*message)", re.IGNORECASE)
SCHEMA = {
    "type": "object",
    "properties": {"intents": {"type": "array", "items": {"type": "string"}}},
    "required": ["intents"],
    "additionalProperties": False,
}


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
    options = Options(temperature=0.0, max_tokens=MAX_TOKENS, feature=Feature.CLASSIFY)
    try:
        async with asyncio.timeout(LIMIT):
            answer = await complete_json(provider, messages, SCHEMA, options)
    except (LLMError, TimeoutError):
        return None
    names = answer["intents"]
    known = tuple(dict.fromkeys(name for name in names if name in intents))[:MAX_INTENTS]
    return known if known or not names else None
