"""The admin's pages about documents, what searches find in them, the models they are found by, and reports."""

from knowledge.admin import curated, documents, embedding, evaluation, reports, searching

__all__ = ["curated", "documents", "embedding", "evaluation", "reports", "searching"]
