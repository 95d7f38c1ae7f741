"""How well sentences that a passage supports are told from subtly wrong ones.

    python -m benchmarks.grounding [--fit] [--verbose]

`data/grounding.jsonl` holds pairs of a passage and a sentence: paraphrases, and the same with another number, unit or
product, negated, with something added, and sentences of other passages. Half of the passages, by hash, are for
development: --fit fits the coefficients of `agents.guardrails.grounding` to them and prints what belongs there. The
figures are those of the other half.
"""

import argparse
import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np

DATA = Path(__file__).parent / "data" / "grounding.jsonl"
RIDGE, STEPS, RATE = 0.02, 6000, 0.5


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--fit", action="store_true", help="prints coefficients fitted to the development half")
    parser.add_argument("--verbose", action="store_true", help="prints what is judged wrongly")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    import django

    django.setup()
    rows = [json.loads(line) for line in DATA.read_text("utf-8").splitlines()]
    passages = passages_of(rows)
    if options.fit:
        fit(rows, passages)
    measure(rows, passages, verbose=options.verbose)


def measure(rows: list[dict[str, Any]], passages: dict[str, Any], *, verbose: bool) -> None:
    from agents.guardrails.grounding import SUPPORTED, score_statements

    for half, wanted in (("development", True), ("held out", False)):
        chosen = [row for row in rows if is_development(row) == wanted]
        started = time.thread_time()
        scores = [score_statements([(row["sentence"], [passages[row["passage"]]])])[0] for row in chosen]
        each = (time.thread_time() - started) * 1000 / len(chosen)
        score, truth = np.array([s for s, _ in scores]), np.array([row["supported"] for row in chosen])
        kept = score >= SUPPORTED
        print(f"{half}: {len(chosen)} pairs, AUROC {auroc(score, truth):.3f}; supported: precision "
              f"{truth[kept].mean():.2f}, recall {kept[truth].mean():.2f}; {each:.1f} core ms a sentence")  # fmt: skip
        hard = np.array([row["kind"] != "elsewhere" for row in chosen])
        print(f"   without sentences of other passages: AUROC {auroc(score[hard], truth[hard]):.3f}")
        for kind in sorted({row["kind"] for row in chosen if not row["supported"]}):
            these = np.array([row["kind"] == kind for row in chosen])
            print(f"   {kind}: {(~kept[these]).sum()} of {these.sum()} noticed")
        if verbose and not wanted:
            for row, (value, why), keeps in zip(chosen, scores, kept, strict=True):
                if keeps != row["supported"]:
                    print(f"   {value:.2f} {why} {row['kind']}: {row['sentence']}")
    measure_answers(rows, passages)


def measure_answers(rows: list[dict[str, Any]], passages: dict[str, Any]) -> None:
    """How long an answer of two reworded sentences takes, each with its number."""
    from agents.guardrails.grounding import check_grounding

    by_passage: dict[str, list[str]] = {}
    for row in rows:
        if row["supported"]:
            by_passage.setdefault(row["passage"], []).append(row["sentence"])
    times = []
    for passage, sentences in by_passage.items():
        text = " ".join(f"{sentence.rstrip('.')} [1]." for sentence in sentences)
        started = time.thread_time()
        check_grounding(text, {1: 1}, [passages[passage]])
        times.append((time.thread_time() - started) * 1000)
    times.sort()
    p50, p95 = times[len(times) // 2], times[int(len(times) * 0.95)]
    print(f"an answer of two sentences, time of one core: p50 {p50:.1f} ms, p95 {p95:.1f} ms")


def fit(rows: list[dict[str, Any]], passages: dict[str, Any]) -> None:
    """Logistic regression on standardised features of the development pairs that contradict nothing exact."""
    from agents.guardrails import grounding
    from knowledge.embedding.base import PassageInput, get_embedder

    chosen = [row for row in rows if is_development(row)]
    chosen = [row for row in chosen if not grounding.contradicts_passage(row["sentence"], passages[row["passage"]])]
    said = [row["sentence"] for row in chosen]
    encoded = get_embedder().encode_passages([PassageInput("", text, ((0, len(text)),)) for text in said])
    x = np.array([
        grounding.features(row["sentence"], passages[row["passage"]], encoding)
        for row, encoding in zip(chosen, encoded, strict=True)
    ])  # fmt: skip
    weights, bias = logistic(x, np.array([row["supported"] for row in chosen], float))
    print(f"WEIGHTS = {tuple(round(float(w), 2) for w in weights)}\nBIAS = {bias:.2f}")
    print(f"NEUTRAL = {tuple(round(float(v), 2) for v in x.mean(axis=0)[1:5])}")
    grounding.WEIGHTS, grounding.BIAS = tuple(weights), bias


def logistic(x: np.ndarray, y: np.ndarray, ridge: float = RIDGE) -> tuple[np.ndarray, float]:
    """Weights and bias of ridge logistic regression by gradient descent, on the scale of `x`."""
    mean, spread = x.mean(axis=0), x.std(axis=0) + 1e-9
    z = np.column_stack([(x - mean) / spread, np.ones(len(x))])
    w = np.zeros(z.shape[1])
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-z @ w))
        w -= RATE * (z.T @ (p - y) / len(y) + ridge * np.append(w[:-1], 0))
    return w[:-1] / spread, float(w[-1] - (w[:-1] * mean / spread).sum())


def passages_of(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Each passage as a search would give it."""
    from knowledge.embedding.base import PassageInput, get_embedder
    from knowledge.retrieval.search import Passage
    from knowledge.sentences import split_sentences

    found = {}
    for title, text in {row["passage"]: (row["title"], row["passage"]) for row in rows}.values():
        sentences = tuple(split_sentences(text))
        encoding = get_embedder().encode_passages([PassageInput(title, text, sentences)])[0]
        found[text] = Passage(
            chunk=len(found), document=title, document_id=len(found), title=title, url="", heading_path=(), page=None,
            text=text, start=0, end=len(text), score=1.0, scores={}, sentences=sentences, tokens=encoding.tokens,
            token_ids=encoding.token_ids, token_sentences=encoding.token_sentences,
            sentence_vectors=encoding.sentences, context=text,
        )  # fmt: skip
    return found


def auroc(scores: np.ndarray, truth: np.ndarray) -> float:
    """The chance that a supported pair scores higher than another one; ties count half."""
    right, wrong = scores[truth], scores[~truth]
    return float((right[:, None] > wrong).mean() + 0.5 * (right[:, None] == wrong).mean())


def is_development(row: dict[str, Any]) -> bool:
    return hashlib.sha256(row["passage"].encode()).digest()[0] % 2 == 0


if __name__ == "__main__":
    main()
