"""Measures and differences in words that a curator reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from knowledge.evaluation.intervals import Difference

NAMES = {
    "recall@1": "Recall@1",
    "recall@5": "Recall@5",
    "recall@10": "Recall@10",
    "precision@5": "Precision@5",
    "mrr@10": "MRR@10",
    "ndcg@10": "nDCG@10",
    "faithfulness": "Faithfulness",
    "answer_relevance": "Answer relevance",
    "context_precision": "Context precision",
    "context_recall": "Context recall",
}
MODEL = "model:"
"""What the names of measures begin with that a model judged."""


def measure_name(measure: str) -> str:
    """What people call a measure."""
    plain = measure.removeprefix(MODEL)
    return NAMES.get(plain, plain) + (", by the model" if plain != measure else "")


def figure(value: float) -> str:
    """A share of 1 with three digits, such as .953."""
    return f"{value:.3f}".removeprefix("0") if 0 <= value < 1 else f"{value:.3f}"


def fell(measure: str, found: Difference) -> str:
    """That a measure fell, and how many questions are behind it."""
    return (
        f"{measure_name(measure)} fell from {figure(found.before)} to {figure(found.after)}: "
        f"{_questions(found.worse)} got worse and {found.better} better."
    )


def verdict(found: Difference) -> str:
    """What a comparison of two runs says, in one sentence."""
    if not (found.better or found.worse):
        return f"None of {_questions(found.questions)} changed."
    changed = f"{_questions(found.worse)} got worse, {found.better} better"
    return f"{changed}: {'more than chance explains' if found.significant else 'this may be chance'}."


def _questions(count: int) -> str:
    return f"{count:,} question" if count == 1 else f"{count:,} questions"
