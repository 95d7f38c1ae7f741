"""How well questions are gathered into gaps: BANKING77 utterances of several intents, clustered as a tenant's would be.

Run with `python -m benchmarks.gaps [--data ../shared/data]`. The threshold is chosen on the intents of one half and
looked at on those of the other. Measures: pairwise F1, and V-measure (Rosenberg and Hirschberg, 2007).
"""

from __future__ import annotations

import argparse
import json
import math
import os
from collections import Counter
from pathlib import Path

INTENTS, UTTERANCES, DRAWS = 12, 25, 8
THRESHOLDS = (0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7)
AIM = 0.7  # V-measure on the intents that nothing was chosen on


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    import django

    django.setup()
    import numpy as np

    from knowledge import gaps
    from knowledge.embedding.base import get_embedder

    lines = (options.data / "intents/banking77/train.jsonl").read_text().splitlines()
    by_intent: dict[str, list[str]] = {}
    for row in map(json.loads, lines):
        by_intent.setdefault(row["intent"], []).append(row["text"])
    intents = sorted(by_intent)
    halves = {"chosen on": intents[::2], "held out": intents[1::2]}
    embedder, rng = get_embedder(), np.random.default_rng(7)
    print(f"{INTENTS} intents of {UTTERANCES} utterances each, {DRAWS} draws; means")
    print("half       | " + " | ".join(f"{threshold:<13}" for threshold in THRESHOLDS))
    for half, names in halves.items():
        found: dict[float, list[tuple[float, float, int]]] = {threshold: [] for threshold in THRESHOLDS}
        for _ in range(DRAWS):
            chosen = rng.choice(names, INTENTS, replace=False)
            texts = [
                (text, intent) for intent in chosen for text in rng.choice(by_intent[intent], UTTERANCES, replace=False)
            ]
            rng.shuffle(texts)
            vectors = embedder.encode_texts([str(text) for text, _ in texts])
            labels = [str(intent) for _, intent in texts]
            for threshold in THRESHOLDS:
                gaps.NEAR = threshold
                clusters = gaps.Clusters()
                places = [clusters.add(vector) for vector in vectors]
                found[threshold].append((pair_f1(labels, places), v_measure(labels, places), len(clusters.means)))
        cells = [tuple(float(np.mean(column)) for column in zip(*found[t], strict=True)) for t in THRESHOLDS]
        print(f"{half:10} | " + " | ".join(f"{f1:.2f} {v:.2f} {count:4.0f}" for f1, v, count in cells))
    print(f"In each cell: pairwise F1, V-measure, clusters ({INTENTS} would be right). Aim: V-measure {AIM} held out.")


def pair_f1(labels: list[str], places: list[int]) -> float:
    """F1 of the pairs that are together in both."""
    together = sum(math.comb(n, 2) for n in Counter(zip(labels, places, strict=True)).values())
    wanted = sum(math.comb(n, 2) for n in Counter(labels).values())
    made = sum(math.comb(n, 2) for n in Counter(places).values())
    return 2 * together / (wanted + made) if wanted + made else 0.0


def v_measure(labels: list[str], places: list[int]) -> float:
    """The harmonic mean of homogeneity and completeness."""
    homogeneity, completeness = _pure(labels, places), _pure(places, labels)
    total = homogeneity + completeness
    return 2 * homogeneity * completeness / total if total else 0.0


def _pure(values: list, given: list) -> float:  # type: ignore[type-arg] # of anything that can be counted
    entropy = _entropy(Counter(values))
    if not entropy:
        return 1.0
    left = 0.0
    for group, size in Counter(given).items():
        inside = Counter(value for value, other in zip(values, given, strict=True) if other == group)
        left += size / len(values) * _entropy(inside)
    return 1 - left / entropy


def _entropy(counts: Counter) -> float:  # type: ignore[type-arg] # of anything
    total = sum(counts.values())
    return -sum(n / total * math.log(n / total) for n in counts.values())


if __name__ == "__main__":
    main()
