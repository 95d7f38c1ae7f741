"""The agent without a language model: the same tools, driven by rules."""
