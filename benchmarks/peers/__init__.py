"""Comparison with other retrieval stacks; `requirements.txt` says which."""
