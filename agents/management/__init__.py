"""Commands of the agent."""
