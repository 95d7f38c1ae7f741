"""The admin's pages about documents: adding, watching, editing, and a look at what a search finds."""

from knowledge.admin import documents, embedding, evaluation, reports

__all__ = ["documents", "embedding", "evaluation", "reports"]
