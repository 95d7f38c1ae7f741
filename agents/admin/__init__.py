"""The agent in the admin: intents, tools, policy, and the record of actions and calls."""

from agents.admin import actions, http_tools, intents, tools, usage

__all__ = ["actions", "http_tools", "intents", "tools", "usage"]
