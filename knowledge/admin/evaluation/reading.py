"""What the evaluation pages show, read in the tenant's scope."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Count, OuterRef, Q, Subquery

from knowledge.evaluation.expectations import Expected, expectations, findable, folded
from knowledge.evaluation.measures import MEASURES
from knowledge.evaluation.wording import MODEL, measure_name
from knowledge.models import Chunk, Document, EvaluationCase, EvaluationRun, EvaluationSet
from knowledge.queries import retrievable_chunks

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from django.db.models import QuerySet

    from knowledge.models import EvaluationResult

SHOWN_RUNS = 40
ANSWER_MEASURES = ("faithfulness", "answer_relevance", "context_precision", "context_recall")
ALL_MEASURES = (*MEASURES, *ANSWER_MEASURES, *(f"{MODEL}{name}" for name in ANSWER_MEASURES))
FIRST_MEASURE = "recall@5"
MEANINGS = {
    "recall@1": "the share of what should be found that comes first",
    "recall@5": "the share of it among the first five",
    "recall@10": "the share of it among the first ten",
    "precision@5": "how many of the first five places hold something that should be found",
    "mrr@10": "one over the place of the first good hit, on average",
    "ndcg@10": "how near the order is to the best one",
    "faithfulness": "the share of the answer's statements that its passages support",
    "answer_relevance": "how much the answer is about the question",
    "context_precision": "whether the useful passages come first",
    "context_recall": "the share of the expected answer that the passages hold",
}


@dataclass(frozen=True, slots=True)
class Line:
    """A measure of a run."""

    measure: str
    name: str
    meaning: str
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Wanted:
    """One thing that a question should find, and what is wrong with it: "gone", "unsaid" or nothing."""

    expected: Expected
    title: str
    problem: str


@dataclass(frozen=True, slots=True)
class Place:
    """A passage in a ranking; `text` is empty where the passage is not there any more."""

    number: int
    document: str
    title: str
    text: str
    score: float
    wanted: bool


def sets_overview() -> QuerySet[EvaluationSet]:
    """Sets with the number of their questions and what their latest run came to."""
    latest = EvaluationRun.objects.filter(set=OuterRef("pk"), candidate={}, state=EvaluationRun.State.DONE)
    sets: QuerySet[EvaluationSet] = EvaluationSet.objects.annotate(
        questions=Count("cases", filter=Q(cases__enabled=True)),
        latest_metrics=Subquery(latest.values("metrics")[:1]),
        latest_intervals=Subquery(latest.values("intervals")[:1]),
        latest_note=Subquery(latest.values("note")[:1]),
        latest_at=Subquery(latest.values("finished_at")[:1]),
    )
    return sets


def fallen_sets() -> QuerySet[EvaluationSet]:
    """Those of `sets_overview` whose latest run of what serves got worse."""
    sets: QuerySet[Any] = sets_overview()
    return sets.filter(latest_note__gt="")


def lines_of(run: EvaluationRun) -> list[Line]:
    """The measures of a run with their intervals, in their order."""
    lines = []
    for measure in ALL_MEASURES:
        if measure in run.metrics:
            low, high = run.intervals.get(measure, (0.0, 1.0))
            meaning = MEANINGS[measure.removeprefix(MODEL)]
            lines.append(Line(measure, measure_name(measure), meaning, run.metrics[measure], low, high))
    return lines


def history(evaluation_set: EvaluationSet) -> list[EvaluationRun]:
    """The latest finished runs of what served, the oldest first."""
    done = EvaluationRun.objects.filter(set=evaluation_set, candidate={}, state=EvaluationRun.State.DONE)
    return list(done[:SHOWN_RUNS])[::-1]


def gone_documents(evaluation_set: EvaluationSet) -> dict[str, int]:
    """Ids that questions expect and that cannot be found, with how many questions each concerns."""
    counts: dict[str, int] = {}
    for values in EvaluationCase.objects.filter(set=evaluation_set, enabled=True).values_list("expected", flat=True):
        for document in {expected.document for expected in expectations(values, "It")}:
            counts[document] = counts.get(document, 0) + 1
    known = findable(counts)
    return {document: count for document, count in sorted(counts.items()) if document not in known}


def wanted_of(cases: Iterable[EvaluationCase]) -> dict[int, list[Wanted]]:
    """What each question should find, by its id, with what is wrong with it now."""
    listed = {case.pk: expectations(case.expected, "It") for case in cases}
    every = [expected for wanted in listed.values() for expected in wanted]
    ids = {expected.document for expected in every}
    known = findable(ids)
    titles = dict(Document.objects.filter(external_id__in=ids).values_list("external_id", "title"))
    texts = _texts({expected.document for expected in every if expected.quote} & known)
    return {
        case: [
            Wanted(expected, titles.get(expected.document) or expected.document, _problem(expected, known, texts))
            for expected in wanted
        ]
        for case, wanted in listed.items()
    }


def places_of(result: EvaluationResult, wanted: Sequence[Expected]) -> list[Place]:
    """The ranking of a result, with the passages as they read now."""
    chunks = Chunk.objects.in_bulk([row["chunk"] for row in result.ranking])
    ids = {row["document"] for row in result.ranking}
    titles = dict(Document.objects.filter(external_id__in=ids).values_list("external_id", "title"))
    places = []
    for number, row in enumerate(result.ranking, 1):
        chunk = chunks.get(row["chunk"])
        text = chunk.text if chunk else ""
        title = titles.get(row["document"]) or row["document"]
        fits = any(_fits(expected, row["document"], text) for expected in wanted)
        places.append(Place(number, row["document"], title, text, row["score"], fits))
    return places


def _fits(expected: Expected, document: str, text: str) -> bool:
    return expected.document == document and folded(expected.quote) in folded(text)


def _texts(documents: Iterable[str]) -> dict[str, list[str]]:
    """The passages that may be found of some documents, folded, by the document's id."""
    found: dict[str, list[str]] = {}
    chunks = retrievable_chunks().filter(document__external_id__in=documents)
    for document, text in chunks.values_list("document__external_id", "text"):
        found.setdefault(document, []).append(folded(text))
    return found


def _problem(expected: Expected, known: set[str], texts: dict[str, list[str]]) -> str:
    if expected.document not in known:
        return "gone"
    quote = folded(expected.quote)
    return "unsaid" if quote and not any(quote in text for text in texts.get(expected.document, ())) else ""


def candidate_words(candidate: dict[str, Any]) -> list[str]:
    """What differs from what serves, in words."""
    drafts = len(candidate.get("drafts", ()))
    words = {
        "embedding": f"the embedding model {candidate.get('embedding')}",
        "weights": "other weights of the ranking",
        "drafts": f"{drafts} new version{'' if drafts == 1 else 's'} of documents",
        "prompt": "another version of a prompt",
    }
    return [text for name, text in words.items() if candidate.get(name)]
