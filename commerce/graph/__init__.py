"""How products stand to one another: each question is one SQL query under the tenant's policy."""

from commerce.graph.comparison import Comparison, ComparisonRow, compare
from commerce.graph.fitting import Compatible, FitKind, compatible_with
from commerce.graph.likeness import Similar, similar_to
from commerce.graph.paths import Path, Step, how_related

__all__ = [
    "Comparison",
    "ComparisonRow",
    "Compatible",
    "FitKind",
    "Path",
    "Similar",
    "Step",
    "compare",
    "compatible_with",
    "how_related",
    "similar_to",
]
