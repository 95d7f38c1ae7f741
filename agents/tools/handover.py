"""Passing the conversation on to a person."""

from agents.tools.base import ToolContext, ToolResult
from agents.tools.registry import tool

MAX_SUMMARY = 2000  # characters


@tool(tags=())
def transfer_to_human_agents(_context: ToolContext, summary: str) -> ToolResult:
    """Transfer the customer to a person, with a summary of the issue. Only transfer if they explicitly ask for a
    person, or if you cannot solve the issue with the tools you have.

    Args:
        summary: A summary of the customer's issue.
    """
    return ToolResult("Transfer successful", handover="unsupported_request", summary=summary[:MAX_SUMMARY])
