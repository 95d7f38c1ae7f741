"""How good retrieval and answers are: rankings against judgements, and a tenant's own sets of questions."""

from knowledge.evaluation.errors import EvaluationError
from knowledge.evaluation.files import read_judgements, read_queries
from knowledge.evaluation.measures import MEASURES, Judgements, measures
from knowledge.evaluation.rankings import Evaluation, evaluate, ranked_documents

__all__ = [
    "MEASURES",
    "Evaluation",
    "EvaluationError",
    "Judgements",
    "evaluate",
    "measures",
    "ranked_documents",
    "read_judgements",
    "read_queries",
]
