"""Texts to vectors: a local model by default, any OpenAI-compatible server by configuration."""
