"""What tokens cost, and how many there are where nobody has counted: Decimal US dollars, to ten places."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agents.llm.base import Message, ToolSpec
    from agents.llm.registry import Model

MILLION = Decimal(1_000_000)
SMALLEST = Decimal("1e-10")
"""US dollars that a cost is rounded to, half up; what the tables hold."""
LARGEST = Decimal(999_999)
"""US dollars that the tables hold of one request, and of one day; a slip of the finger in a price comes to more."""
BYTES_PER_TOKEN = 4
"""For estimates, of UTF-8: near the truth for English, and not far off where letters take several bytes."""

BYTES_PER_PICTURE = 1_500 * BYTES_PER_TOKEN
"""For estimates: what providers count for one of about a thousand pixels a side, or more."""


def cost_of(model: Model, prompt_tokens: int, completion_tokens: int) -> Decimal:
    """Return the US dollars of a request; a price that nobody has set counts as nothing."""
    dollars = prompt_tokens * (model.input_price or Decimal(0)) + completion_tokens * (model.output_price or Decimal(0))
    return min(dollars / MILLION, LARGEST).quantize(SMALLEST, ROUND_HALF_UP)


def is_priced(model: Model) -> bool:
    """Whether both prices of a model are known; nothing at all is a price, too."""
    return model.input_price is not None and model.output_price is not None


def size_of(text: str) -> int:
    """Return the bytes of a text in UTF-8."""
    return len(text) if text.isascii() else len(text.encode(errors="replace"))


def prompt_size(messages: Sequence[Message], tools: Sequence[ToolSpec]) -> int:
    """Return the bytes of what a model reads: the messages, the calls in them, and the tools it is offered."""
    size = sum(size_of(message.content) + len(message.images) * BYTES_PER_PICTURE for message in messages)
    size += sum(size_of(call.name) + size_of(call.arguments) for message in messages for call in message.tool_calls)
    for tool in tools:
        size += size_of(tool.name) + size_of(tool.description) + len(orjson.dumps(tool.parameters))
    return size


def estimated_tokens(size: int) -> int:
    """Return the tokens that this many bytes may be."""
    return size // BYTES_PER_TOKEN
