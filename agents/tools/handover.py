"""Passing the conversation on to a person."""

from agents.routing.shortcuts import find_shortcut
from agents.tools.base import ToolContext, ToolResult
from agents.tools.registry import tool

MAX_SUMMARY = 2000  # characters


@tool(tags=())
def transfer_to_human_agents(context: ToolContext, summary: str) -> ToolResult:
    """Transfer the customer to a person, with a summary of the issue. Only transfer if they explicitly ask for a
    person, or if you cannot solve the issue with the tools you have.

    Args:
        summary: A summary of the customer's issue.
    """
    shortcut = find_shortcut(context.typed[-1], context.language) if context.typed else None
    asked = shortcut is not None and shortcut.kind == "handover"
    reason = "customer_request" if asked else "unsupported_request"
    return ToolResult("Transfer successful", handover=reason, summary=summary[:MAX_SUMMARY])
