"""Answers of evaluation runs: asked for the way customers are answered, and judged by words and by a model."""
