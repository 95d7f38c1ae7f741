"""A question as the OpenAI chat completions protocol writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agents.llm.json_schema import is_closed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agents.llm.base import Message, Options, ToolSpec

REASONING_MODELS = ("o1", "o3", "o4", "gpt-5")
"""Prefixes of models that take `max_completion_tokens` and no temperature."""


def request_body(
    model: str, messages: Sequence[Message], tools: Sequence[ToolSpec], options: Options
) -> dict[str, Any]:
    """Return the body of a streamed request; without tools, earlier calls are told in words."""
    model = options.model or model
    body: dict[str, Any] = {
        "model": model,
        "messages": [_message(message) if tools else _plain(message) for message in messages],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if model.startswith(REASONING_MODELS):
        body["max_completion_tokens"] = options.max_tokens
    else:
        body |= {"max_tokens": options.max_tokens, "temperature": options.temperature}
    if options.schema is not None:
        form = {"name": "answer", "schema": dict(options.schema), "strict": is_closed(options.schema)}
        body["response_format"] = {"type": "json_schema", "json_schema": form}
    if tools:
        body["tools"] = [
            {
                "type": "function",
                "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters},
            }
            for tool in tools
        ]
    return body


def _message(message: Message) -> dict[str, Any]:
    written: dict[str, Any] = {"role": message.role, "content": _content(message)}
    if message.tool_calls:
        written["content"] = message.content or None
        written["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments or "{}"}}
            for call in message.tool_calls
        ]
    if message.tool_call_id:
        written["tool_call_id"] = message.tool_call_id
    return written


def _plain(message: Message) -> dict[str, Any]:
    """A request without tools must not speak of calls: some servers refuse it."""
    if message.role == "tool":
        return {"role": "user", "content": f"(What was looked up: {message.content})"}
    asked = ", ".join(call.name for call in message.tool_calls)
    return {"role": message.role, "content": _content(message) or (f"(Looked up: {asked})" if asked else "")}


def _content(message: Message) -> str | list[dict[str, Any]]:
    if not message.images:
        return message.content
    pictures = [{"type": "image_url", "image_url": {"url": address}} for address in message.images]
    return [{"type": "text", "text": message.content}, *pictures]
