"""What the agent can do: typed functions with a docstring, and tools that curators add without code."""
