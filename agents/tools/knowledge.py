"""Searching the tenant's documents."""

from agents.tools.base import ToolContext, ToolError, ToolResult
from agents.tools.registry import tool
from knowledge.embedding.base import EmbedderError
from knowledge.retrieval.filters import FOR_CUSTOMERS
from knowledge.retrieval.search import search

PASSAGES = 8


@tool(tags=(), scoped=False)
def search_knowledge(context: ToolContext, query: str) -> ToolResult:
    """Search the organisation's documents: policies, manuals, questions and answers. Use it for whatever is not about
    a particular order, customer or product record.

    Args:
        query: What to look for, as a question or a few words that stand for themselves.
    """
    try:
        found = search(context.tenant_id, query, k=PASSAGES, filters=FOR_CUSTOMERS)
    except EmbedderError as error:
        raise ToolError("The documents cannot be searched at the moment.", code="tool_failure") from error
    return ToolResult({"query": query, "passages": len(found.passages)}, found=found)
