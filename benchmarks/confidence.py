"""How honest the confidence of an answer is, and the coefficients that make it so.

    python -m benchmarks.confidence [--fit] [--collect --data ../shared/data] [--articles 400]

--collect asks the extractive answerer questions whose truth is known and keeps what the number is made of in
`data/confidence.jsonl`: the demo's questions (right: an expected string is in the answer), SQuAD's (right: it cites the
paragraph that it was written for), SQuAD 2.0's unanswerable ones, and SQuAD's asked of the demo (any answer is
wrong). Since quotes are always grounded, each second answer comes again with the text of another question's, or with a
number changed: wrong. Half of the questions, by hash, are for --fit; the figures are those of the other half: expected
calibration error over ten bins (Naeini and others 2015) and the Brier score, beside the weighted sum used before.
"""

import argparse
import asyncio
import contextlib
import hashlib
import itertools
import json
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.grounding import auroc, logistic

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(__file__).parent / "data" / "confidence.jsonl"
DEMO = ROOT / "project" / "demo"
BINS = 10
RIDGE, SHARES = 0.001, 12
BEFORE = np.array([0.5, 0.15, 0.35, 0.0])  # the weights of the sum that was the confidence until it was calibrated


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--collect", action="store_true", help="asks the questions again, which takes minutes")
    parser.add_argument("--fit", action="store_true", help="prints coefficients fitted to the development half")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--articles", type=int, default=400, help="SQuAD paragraphs that are read in")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    if options.collect:
        collect(options)
    else:
        import django

        django.setup()
    report(options)


def report(options: argparse.Namespace) -> None:
    from agents import confidence

    rows = [json.loads(line) for line in DATA.read_text("utf-8").splitlines()]
    development = [row for row in rows if is_development(row)]
    held_out = [row for row in rows if not is_development(row)]
    weights, bias = np.array(confidence.WEIGHTS), confidence.BIAS
    knots = (confidence.SCORES, confidence.CHANCES)
    if options.fit:
        weights, bias = logistic(*matrix(development), ridge=RIDGE)
        knots = isotonic(development, weights, bias)
        print(f"WEIGHTS = {tuple(round(float(w), 2) for w in weights)}\nBIAS = {bias:.2f}")
        print(f"SCORES = {knots[0]}\nCHANCES = {knots[1]}")
    as_asked = [row for row in held_out if row["source"] != "spoilt"]
    for half, chosen in (
        ("development", development), ("held out", held_out), ("held out, without spoilt answers", as_asked),
    ):  # fmt: skip
        x, right = matrix(chosen)
        print(f"{half}: {len(chosen)} answers, {right.mean():.0%} right")
        for name, chance in (("before", x @ BEFORE), ("now", np.interp(score(x, weights, bias), *knots))):
            print(f"   {name}: ECE {calibration_error(chance, right):.3f}, Brier {((chance - right) ** 2).mean():.3f}, "
                  f"AUROC {auroc(chance, right > 0):.3f}")  # fmt: skip


def score(x: np.ndarray, weights: np.ndarray, bias: float) -> np.ndarray:
    return 1 / (1 + np.exp(-(x @ weights + bias)))


def isotonic(rows: list[dict[str, Any]], weights: np.ndarray, bias: float) -> tuple[tuple[float, ...], ...]:
    """Scores and what they come to: means of equal shares, neighbours joined until they rise (pool adjacent violators).

    Spoilt answers count half: they are more frequent here than among customers.
    """
    x, right = matrix(rows)
    scores, counts = score(x, weights, bias), np.array([0.5 if row["source"] == "spoilt" else 1.0 for row in rows])
    pooled: list[tuple[float, float, float]] = []
    for part in np.array_split(np.argsort(scores), SHARES):
        pooled.append(
            (
                float(np.average(scores[part], weights=counts[part])),
                float(np.average(right[part], weights=counts[part])),
                float(counts[part].sum()),
            )
        )
        while len(pooled) > 1 and pooled[-2][1] >= pooled[-1][1]:
            (s, r, n), (t, q, m) = pooled[-2:]
            pooled[-2:] = [((s * n + t * m) / (n + m), (r * n + q * m) / (n + m), n + m)]
    edge = 0.02  # nothing is certain
    found = [min(max(chance, edge), 1 - edge) for _, chance, _ in pooled]
    at = [round(place, 3) for place, _, _ in pooled]
    return (0.0, *at, 1.0), (edge, *(round(chance, 3) for chance in found), 1 - edge)


def calibration_error(chance: np.ndarray, right: np.ndarray) -> float:
    """The mean distance, over ten equal bins, of what is said from what is so."""
    bins = np.minimum((chance * BINS).astype(int), BINS - 1)
    gaps = [abs(chance[bins == b].mean() - right[bins == b].mean()) * (bins == b).mean() for b in set(bins.tolist())]
    return float(sum(gaps))


def matrix(rows: list[dict[str, Any]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([row["features"] for row in rows]), np.array([float(row["right"]) for row in rows])


def is_development(row: dict[str, Any]) -> bool:
    return hashlib.sha256(row["question"].encode()).digest()[0] % 2 == 0


def collect(options: argparse.Namespace) -> None:
    with contextlib.ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="askwell-confidence-")))
        work.chmod(0o755)
        os.environ |= {"ASKWELL_DATA": str(work / "data")}
        from project.database import database_ready

        stack.enter_context(database_ready())
        asked = asyncio.run(ask_all(list(questions(options))))
    rows = [*asked, *spoilt(asked)]
    kept = ({name: row[name] for name in ("source", "question", "features", "right")} for row in rows)
    DATA.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in kept), "utf-8")


def questions(options: argparse.Namespace) -> Iterator[tuple[Any, str, str, Any]]:
    """(tenant, source, question, what makes an answer right) of all questions; fills the tenants first."""
    from project.demo import seed
    from tenants.models import Tenant

    seed.seed_once(report=print)
    demo, folder = Tenant.objects.get(slug="techpro"), options.data / "retrieval"
    squad, gold = fill(folder / "squad", options.articles)
    for row in read_rows(DEMO / "questions.jsonl"):
        yield demo, "demo", row["text"], row["answer"]
    texts = {row["id"]: row["text"] for row in read_rows(folder / "squad" / "queries.jsonl")}
    within = [(texts[query], document) for query, document in gold.items()]
    for text, document in within:
        yield squad, "squad", text, document
    for text, _ in itertools.islice(within, 0, None, 2):
        yield demo, "squad asked of the demo", text, None
    for row in read_rows(folder / "answerable" / "questions.jsonl"):
        if not row["answerable"]:
            yield squad, "unanswerable", row["text"].strip(), None


def fill(folder: Path, count: int) -> tuple[Any, dict[str, str]]:
    """A tenant with the first paragraphs, and which of them each of their questions was written for."""
    from knowledge.loading import load
    from knowledge.sources import from_path
    from tenants.services import create_tenant

    tenant = create_tenant(slug="squad", name="Encyclopedia")
    rows = list(itertools.islice(read_rows(folder / "documents.jsonl"), count))
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
        file.flush()
        for _ in load(tenant.pk, from_path(Path(file.name)), actor="benchmark", wait=True):
            pass
    known = {row["id"] for row in rows}
    return tenant, {r["query"]: r["document"] for r in read_rows(folder / "qrels.jsonl") if r["document"] in known}


async def ask_all(asked: list[tuple[Any, str, str, Any]]) -> list[dict[str, Any]]:
    """What the confidence of each answer is made of; questions that are not answered are left out."""
    found = []
    for tenant, source, question, truth in asked:
        answer, result = await answer_of(tenant, question)
        if answer.known and answer.finish == "stop" and result is not None:
            places = {passage.chunk: place for place, passage in enumerate(result.passages, 1)}
            numbers = {places[citation.chunk]: citation.n for citation in answer.citations}
            features = features_of(answer.text, numbers, result)
            row = {"source": source, "question": question, "text": answer.text, "numbers": numbers, "result": result}
            found.append(row | {"features": features, "right": is_right(answer, truth)})
    return found


async def answer_of(tenant: Any, question: str) -> tuple[Any, Any]:
    from agents.context import Turn
    from agents.events import Answer, Finished
    from agents.llm.extractive import Extractive
    from agents.preparation import Prepared
    from agents.runner import run
    from agents.services import Services, search_knowledge

    seen: list[Any] = []

    async def search(tenant_id: int, query: str) -> Any:
        seen.append(await search_knowledge(tenant_id, query))
        return seen[-1]

    async def prepare(_turn: Any) -> Any:
        return Prepared()

    async def understand(_turn: Any) -> None:
        return None

    services = Services(search=search, prepare=prepare, understand=understand, providers=lambda: [Extractive()])
    turn, answer = Turn(tenant.pk, tenant.name, "en", "benchmark", question), Answer("", known=False)
    async for event in run(turn, services):
        if isinstance(event, Finished):
            answer = event.answer
    return answer, seen[0] if seen else None


def is_right(answer: Any, truth: Any) -> bool:
    if isinstance(truth, list):
        return any(expected.lower() in answer.text.lower() for expected in truth)
    return truth is not None and any(citation.document == truth for citation in answer.citations)


def features_of(text: str, numbers: dict[int, int], result: Any) -> list[float]:
    """As the runner takes them; `numbers` are passage number -> number shown."""
    from agents.citations import check_citations
    from agents.confidence import features
    from agents.guardrails.grounding import check_grounding

    support = check_citations(text, numbers, result.passages).support
    share = check_grounding(text, numbers, result.passages).share
    return [round(float(value), 4) for value in features(result, support, share)]


def spoilt(asked: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Each second answer made wrong: another's text, or its own with a number changed."""
    for place, row in enumerate(asked[::2]):
        other = asked[(2 * place + len(asked) // 2) % len(asked)]["text"]
        changed = re.sub(r"(?<!\[)\b\d+", lambda match: str(int(match[0]) + 3), row["text"], count=1)
        text = changed if changed != row["text"] else re.sub(r"\[\d+\]", "[1]", other)
        spoilt_row = {"source": "spoilt", "features": features_of(text, row["numbers"], row["result"]), "right": False}
        yield row | spoilt_row


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


if __name__ == "__main__":
    main()
