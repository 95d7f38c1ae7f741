"""The admin's pages about documents, what searches find in them, and how they are found."""

from knowledge.admin import curated, documents, evaluation, searching

__all__ = ["curated", "documents", "evaluation", "searching"]
