"""Answers made of a document's own sentences: find them, score them, word them."""
