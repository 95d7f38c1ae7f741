"""The measures of one ranking, as trec_eval defines them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MEASURES = ("recall@1", "recall@5", "recall@10", "precision@5", "mrr@10", "ndcg@10")
"""Each from 0 to 1."""

Judgements = dict[str, dict[str, float]]
"""Query id to document id to relevance; a document without one is not relevant."""


def measures(ranking: Sequence[str], relevant: Mapping[str, float]) -> dict[str, float]:
    """All measures of one ranking; `relevant` maps the ids of the relevant documents, at least one, to their gains."""
    return measures_of_places(
        {document: at for at, document in enumerate(ranking, 1) if document in relevant}, relevant
    )


def measures_of_places(places: Mapping[str, int], relevant: Mapping[str, float]) -> dict[str, float]:
    """All measures, from the place (1 is the best) of each thing wanted that was found.

    Several may be found at one place: a passage that holds two of the quotes that are looked for.
    """
    return {
        "recall@1": recall(places, relevant, 1),
        "recall@5": recall(places, relevant, 5),
        "recall@10": recall(places, relevant, 10),
        "precision@5": precision(places, 5),
        "mrr@10": reciprocal_rank(places, 10),
        "ndcg@10": ndcg(places, relevant, 10),
    }


def recall(places: Mapping[str, int], relevant: Mapping[str, float], k: int) -> float:
    """The share of what is wanted among the first `k`."""
    return sum(place <= k for place in places.values()) / len(relevant)


def precision(places: Mapping[str, int], k: int) -> float:
    """The share of the first `k` places that hold something wanted; an empty place holds nothing."""
    return len({place for place in places.values() if place <= k}) / k


def reciprocal_rank(places: Mapping[str, int], k: int) -> float:
    """One over the first place that holds something wanted; 0 if that is not among the first `k`."""
    first = min(places.values(), default=k + 1)
    return 1 / first if first <= k else 0.0


def ndcg(places: Mapping[str, int], relevant: Mapping[str, float], k: int) -> float:
    """Discounted cumulative gain of the first `k`, over that of the best order (Järvelin and Kekäläinen, 2002).

    The best order has one thing at a place; where one place holds several, the share is 1 at most.
    """
    gained = sum(relevant[name] / math.log2(place + 1) for name, place in places.items() if place <= k)
    return min(1.0, gained / _discounted(sorted(relevant.values(), reverse=True)[:k]))


def _discounted(gains: Iterable[float]) -> float:
    return sum(gain / math.log2(place + 1) for place, gain in enumerate(gains, 1))
