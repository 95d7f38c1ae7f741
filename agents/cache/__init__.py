"""Answers from the documents that are given again: what may be kept, what it depends on, and when a question is the same."""
