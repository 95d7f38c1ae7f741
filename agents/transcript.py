"""The conversation as a language model reads it: what was said, and the tools that were called for it.

A change that was only proposed when its tool was called reads as what has become of it since.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from agents.llm.base import Message, ToolRequest
from agents.memory import as_prompt, recent_messages
from agents.models import Action, ToolCall

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from uuid import UUID

    from agents.context import PastMessage, Turn

MAX_CALLS = 80
"""Latest calls of a conversation that are told again."""
RESULT_CHARACTERS = 6_000
"""Of an earlier call's result."""
RESULTS_CHARACTERS = 60_000
"""Of all of them; the oldest are left out."""
LEFT_OUT = "[Left out here: it was long ago. Call the tool again if you need it.]"


def calls_of(conversation: UUID) -> dict[str, list[ToolCall]]:
    """Return the calls of a conversation of the tenant in scope by the id of their reply, oldest first."""
    latest = list(ToolCall.objects.filter(conversation=conversation).order_by("-created_at", "-position")[:MAX_CALLS])
    became = {
        action.call_id: action
        for action in Action.objects.filter(conversation=conversation, call__in=[call.pk for call in latest])
    }
    calls: dict[str, list[ToolCall]] = {}
    room = RESULTS_CHARACTERS
    for call in latest:
        if action := became.get(call.pk):
            call.result = told(action)
        room -= min(len(call.result), RESULT_CHARACTERS)
        if room < 0:
            call.result = LEFT_OUT
    for call in reversed(latest):
        calls.setdefault(str(call.reply), []).append(call)
    return calls


def told(action: Action) -> str:
    """Return what a model is told of a change: its state, and its result once there is one."""
    known = {"action": str(action.pk), "status": action.get_state_display(), "summary": action.summary}
    if action.outcome:
        known["outcome"] = action.outcome
    if action.result:
        known["result"] = action.result
    return json.dumps(known, ensure_ascii=False, default=str)


def history(turn: Turn, calls: Mapping[str, Sequence[ToolCall]]) -> list[Message]:
    """Return the messages before this turn's, with the calls behind the assistant's."""
    messages: list[Message] = []
    for past in recent_messages(turn):
        messages += _calls(calls.get(past.id, ()))
        messages += as_prompt([past])
    return messages


def of_reply(calls: Iterable[ToolCall]) -> list[Message]:
    """Return the calls that an earlier attempt at this very reply made."""
    return _calls(list(calls))


def _calls(calls: Sequence[ToolCall]) -> list[Message]:
    messages: list[Message] = []
    for round_number in dict.fromkeys(call.round for call in calls):
        together = [call for call in calls if call.round == round_number]
        requests = tuple(
            ToolRequest(_call_id(call), call.name, json.dumps(call.arguments, ensure_ascii=False)) for call in together
        )
        messages.append(Message("assistant", "", tool_calls=requests))
        messages += [Message("tool", call.result[:RESULT_CHARACTERS], tool_call_id=_call_id(call)) for call in together]
    return messages


def _call_id(call: ToolCall) -> str:
    return call.call_id or f"call_{call.pk}"


def told_before(messages: Sequence[PastMessage]) -> str:
    """Return the id of the latest message of the assistant, empty when it has said nothing."""
    return next((message.id for message in reversed(messages) if message.role == "assistant"), "")
