"""A conversation in a few plain lines, for the person who takes it over; made without a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.routing.entities import Taken
from agents.routing.identifiers import find_orders
from agents.routing.shortcuts import find_shortcut

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from agents.models import ToolCall

LONGEST_QUOTE = 300  # characters of what the customer wants
MOST_CALLS = 8  # latest tools named
MOST_ORDERS = 8


def summarise(
    *, said: Sequence[str], language: str, calls: Sequence[ToolCall] = (), customer: str = "", told: str = ""
) -> str:
    """Return one line each on what is wanted, who asks, which orders are named, what was tried, and what was told.

    Args:
        said: what the customer wrote, oldest first.
        language: the tenant's.
        calls: the tools that were called, oldest first.
        customer: who the conversation is bound to, and how they proved it; empty for nobody.
        told: the assistant's own words on the matter, if it gave any.
    """
    wanted = _shortened(last_question(said, language))
    lines = [
        f"Wants: {wanted}" if wanted else "",
        f"Customer: {customer or 'has not said who they are'}",
        _line("Orders", orders_named(said, calls)),
        _line("Tried", [_called(call) for call in calls[-MOST_CALLS:]]),
        f"The assistant: {_shortened(told)}" if told.strip() and wanted not in _shortened(told) else "",
    ]
    return "\n".join(line for line in lines if line)


def last_question(said: Sequence[str], language: str) -> str:
    """Return the last thing the customer wrote that is more than a greeting or the wish for a person."""
    asked = [text for text in said if text.strip()]
    told = (text for text in reversed(asked) if find_shortcut(text, language) is None)
    return next(told, asked[-1] if asked else "")


def orders_named(said: Iterable[str], calls: Iterable[ToolCall]) -> list[str]:
    """Return the orders that the customer named or a tool was asked for, each once."""
    return list(dict.fromkeys([*_written(said), *_asked_for(calls)]))[:MOST_ORDERS]


def _written(said: Iterable[str]) -> Iterator[str]:
    for text in said:
        yield from (str(entity.value) for entity in find_orders(text, Taken(text), ()))


def _asked_for(calls: Iterable[ToolCall]) -> Iterator[str]:
    for call in calls:
        order = call.arguments.get("order_id") if isinstance(call.arguments, dict) else None
        if isinstance(order, str):
            yield order


def _called(call: ToolCall) -> str:
    return f"{call.name} ({call.error})" if call.error else call.name


def _line(head: str, parts: Iterable[str]) -> str:
    shown = ", ".join(dict.fromkeys(parts))
    return f"{head}: {shown}" if shown else ""


def _shortened(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= LONGEST_QUOTE else f"{words[:LONGEST_QUOTE]}…"
