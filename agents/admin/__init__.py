"""The agent in the admin: models and their costs, intents, tools, policy, and the record of actions and calls."""

from agents.admin import (
    actions,
    caching,
    http_tools,
    intents,
    models,
    prompts,
    quality,
    releases,
    routing,
    tools,
    usage,
)

__all__ = [
    "actions",
    "caching",
    "http_tools",
    "intents",
    "models",
    "prompts",
    "quality",
    "releases",
    "routing",
    "tools",
    "usage",
]
