"""What the events of a chat completion say, taken from servers that keep to the protocol more or less."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import orjson

from agents.llm.base import Finished, LLMError, ToolCallDelta, Usage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agents.llm.base import FinishReason

MOST_TOKENS = 10_000_000
"""No answer has more; whoever says so counts something else."""
FINISHES: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "max_tokens": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}
HIGH_SURROGATE = re.compile("[\ud800-\udbff]$")
SURROGATE = re.compile("[\ud800-\udfff]")


class CompletionReader:
    """Reads the events of one answer, burst by burst; `usage` and `finish` are known once they have come."""

    def __init__(self) -> None:
        """Nothing has come yet."""
        self.usage: Usage | None = None
        self.finish: Finished | None = None
        self._half = ""
        """The first half of a character that a server has cut in two."""

    def read(self, events: Sequence[bytes]) -> tuple[str, list[ToolCallDelta]]:
        """Return the text of some events, joined, and the pieces of calls in them.

        Raises:
            LLMError: an event is not what the protocol says, or reports an error.
        """
        text: list[str] = []
        calls: list[ToolCallDelta] = []
        try:
            for event in events:
                message = _parse(event)
                if message.get("error"):
                    raise LLMError(f"error event: {message['error']!r}"[:500], kind="error_event", retryable=True)
                if usage := message.get("usage"):
                    self.usage = _usage(usage)
                for choice in message.get("choices") or ():
                    delta = choice.get("delta") or choice.get("message") or {}
                    if content := delta.get("content"):
                        text.append(content)
                    calls += _tool_calls(delta.get("tool_calls") or ())
                    if reason := choice.get("finish_reason"):
                        self.finish = _finished(reason)
            return self._whole_characters("".join(text)), calls
        except (ValueError, AttributeError, KeyError, TypeError, RecursionError) as error:
            raise LLMError(f"broken event: {error}"[:500], kind="protocol", retryable=True) from error

    def _whole_characters(self, text: str) -> str:
        """Return the text without the zeros that PostgreSQL takes none of, and with halves of characters joined."""
        if "\0" in text:
            text = text.replace("\0", "")
        if not self._half and text.isascii():
            return text
        text = self._half + text
        cut = HIGH_SURROGATE.search(text)
        self._half = cut[0] if cut else ""
        text = text[: cut.start()] if cut else text
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if SURROGATE.search(text) else text


def _parse(event: bytes) -> dict[str, Any]:
    try:
        message: dict[str, Any] = orjson.loads(event)
    except orjson.JSONDecodeError:
        if b"\\ud" not in event.lower():
            raise
        message = json.loads(event)  # takes a character of two halves that come one by one
    return message


def _finished(reason: object) -> Finished:
    if reason == "error":
        raise LLMError("the server says that it failed", kind="error_event", retryable=True)
    return Finished(FINISHES.get(str(reason), "stop"))


def _usage(reported: object) -> Usage:
    """What the provider has counted; a count that cannot be is none, and no reason to lose an answer."""
    given = reported if isinstance(reported, dict) else {}
    prompt, completion = (_count(given.get(name)) for name in ("prompt_tokens", "completion_tokens"))
    return Usage() if prompt is None or completion is None else Usage(prompt, completion, estimated=False)


def _count(tokens: object) -> int | None:
    return tokens if isinstance(tokens, int) and 0 <= tokens <= MOST_TOKENS else None


def _tool_calls(pieces: Sequence[dict[str, Any]]) -> Iterator[ToolCallDelta]:
    for position, piece in enumerate(pieces):
        index = piece.get("index")
        function = piece.get("function") or {}
        yield ToolCallDelta(
            index=position if index is None else int(index),
            id=_text(piece.get("id")),
            name=_text(function.get("name")),
            arguments=_text(function.get("arguments")),
        )


def _text(value: object) -> str:
    """Return a piece of a call; some servers write its arguments as an object, not as its JSON."""
    if isinstance(value, dict):
        return orjson.dumps(value).decode()
    return SURROGATE.sub("\ufffd", str(value or "").replace("\0", ""))
