"""The pages about evaluation: sets, their questions, runs, and two runs side by side."""

from knowledge.admin.evaluation import cases, runs, sets

__all__ = ["cases", "runs", "sets"]
