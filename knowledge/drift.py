"""Vector drift: how the questions of late, and new documents, have moved against what was there before.

Three things can happen to a model that nobody touched. Customers ask about something else (the mean of their questions
moves); what they ask about is not in the documents (the nearest passage is farther away, more questions find nothing
good); documents are about something else (the mean of new passages moves). Each calls for something else, which the
report says in a sentence. Means of unit vectors are compared by their cosine, as directional statistics do (Mardia and
Jupp, Directional Statistics, 2000).
"""

from __future__ import annotations

import datetime as dt
import math
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from django.db import transaction
from django.utils import timezone
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.manager import JobManager
from procrastinate.tasks import configure_task

from knowledge.embedding.serving import serving_embedder
from knowledge.models import VectorDrift
from knowledge.queries import retrievable_chunks
from tenants.scope import tenant_scope

if TYPE_CHECKING:
    from collections.abc import Sequence

    from knowledge.embedding.base import Floats

WEEKS = 12  # that are looked at
LATE = 4  # of them count as of late; the others are what they are compared with
FEWEST = 20  # questions, or passages, on either side: with fewer, chance decides
MOST_QUESTIONS, MOST_PASSAGES = 600, 20_000  # that are looked at; of more, evenly spread ones
FARTHER = 0.05  # by how much the nearest passage must have moved away
MOVED = 0.15  # cosine distance of two means that is more than the weather
SURE = 2.0  # standard errors by which a share must have risen
WEEK = dt.timedelta(days=7)
MEASURE = "chat.measure_drift"
"""The task that measures, by its name: questions are in tables above these."""

# Django's own connection: the job commits, or rolls back, with the transaction that is open.
_jobs = JobManager(DjangoConnector())


class Asked(NamedTuple):
    """A question of a customer; `found` says whether what was found was good enough to answer it, None: not known."""

    text: str
    at: dt.datetime
    found: bool | None = None


class _Passages(NamedTuple):
    """Paragraph vectors, float32 [n, d], and when each passage's version was added."""

    vectors: Floats
    added: list[dt.datetime]


def ask_for(tenant_id: int) -> None:
    """Have a worker measure a tenant's drift anew; harmless when it was asked already."""
    deferrer = configure_task(name=MEASURE, job_manager=_jobs, queue="upkeep", queueing_lock=f"drift:{tenant_id}")
    with suppress(AlreadyEnqueued), transaction.atomic():
        deferrer.defer(tenant_id=tenant_id)


def measure(tenant_id: int, questions: Sequence[Asked]) -> None:
    """Measures a tenant's drift by the model that serves, and keeps the report; slow, opens its own scopes.

    Args:
        tenant_id: whose.
        questions: those of the last `WEEKS` weeks.

    Raises:
        EmbedderError: the model cannot be used.
    """
    now = timezone.now()
    embedder = serving_embedder(tenant_id)
    step = max(len(questions) // MOST_QUESTIONS, 1)
    questions = [each for each in questions[::step] if now - WEEKS * WEEK < each.at <= now]
    vectors = embedder.encode_texts([each.text for each in questions])
    with tenant_scope(tenant_id):
        passages = _passages(embedder.name)
    figures = figures_of(questions, vectors, passages.vectors, passages.added, now)
    with tenant_scope(tenant_id):
        VectorDrift.objects.update_or_create(model=embedder.name, defaults={"figures": figures, "made_at": now})


def _passages(model: str) -> _Passages:
    chunks = retrievable_chunks().filter(vectors__model=model).order_by("pk")
    ids = list(chunks.values_list("pk", flat=True))
    wanted = ids[:: max(-(-len(ids) // MOST_PASSAGES), 1)]
    rows = list(chunks.filter(pk__in=wanted).values_list("vectors__paragraph", "version__created_at"))
    vectors = np.array([as_floats(vector) for vector, _ in rows], np.float32)
    return _Passages(vectors.reshape(len(rows), -1 if rows else 0), [added for _, added in rows])


def as_floats(vector: Any) -> Floats:
    """A stored paragraph vector, in whichever precision it is kept."""
    return np.asarray(vector.to_list() if hasattr(vector, "to_list") else vector, np.float32)


def figures_of(
    questions: Sequence[Asked],
    vectors: Floats,
    passages: Floats,
    added: Sequence[dt.datetime],
    now: dt.datetime,
) -> dict[str, Any]:
    """The figures of a report, as JSON keeps them.

    Returns:
        "weeks": a list of {begins, questions, nearest, unanswered, passages}, the earliest first; figures of a week
            without questions are None.
        "questions_moved", "documents_moved": cosine distances of the late mean from the one before; None: too few.
        "verdicts": sentences.
    """
    nearest = _nearest(vectors, passages)
    age = [(now - each.at) // WEEK for each in questions]
    weeks = []
    for number in reversed(range(WEEKS)):
        places = [i for i, weeks_ago in enumerate(age) if weeks_ago == number]
        week = _week(now - (number + 1) * WEEK, places, questions, nearest)
        weeks.append(week | {"passages": sum((now - each) // WEEK == number for each in added)})
    late = np.array([weeks_ago < LATE for weeks_ago in age], bool)
    new = np.array([now - each < LATE * WEEK for each in added], bool)
    figures: dict[str, Any] = {
        "weeks": weeks,
        "questions_moved": _moved(vectors[~late], vectors[late]) if len(vectors) else None,
        "documents_moved": _moved(passages[~new], passages[new]) if len(passages) else None,
    }
    return figures | {"verdicts": _verdicts(questions, late, nearest, figures)}


def _nearest(vectors: Floats, passages: Floats) -> Floats:
    """The cosine of each question's nearest passage, float32 [n]."""
    if not len(vectors) or not len(passages):
        return np.zeros(len(vectors), np.float32)
    found: Floats = (vectors @ passages.T).max(axis=1)
    return found


def _week(begins: dt.datetime, places: Sequence[int], questions: Sequence[Asked], nearest: Floats) -> dict[str, Any]:
    judged = [questions[i].found for i in places if questions[i].found is not None]
    return {
        "begins": begins.date().isoformat(),
        "questions": len(places),
        "nearest": round(float(nearest[list(places)].mean()), 3) if places else None,
        "unanswered": round(1 - sum(map(bool, judged)) / len(judged), 3) if judged else None,
    }


def _moved(before: Floats, late: Floats) -> float | None:
    """The cosine distance of two means; None where chance would decide."""
    if min(len(before), len(late)) < FEWEST:
        return None
    one, other = before.mean(axis=0), late.mean(axis=0)
    lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
    return round(1 - float(one @ other) / lengths, 3) if lengths else None


def _verdicts(
    questions: Sequence[Asked], late: np.typing.NDArray[np.bool_], nearest: Floats, figures: dict[str, Any]
) -> list[str]:
    """What the figures mean and what to do, most urgent first."""
    if min(int(late.sum()), int((~late).sum())) < FEWEST:
        return [f"There are fewer than {FEWEST} questions of the last {LATE} weeks, or of before: too few to say."]
    said = []
    if _rose(questions, late):
        said.append(
            "More questions than before find nothing good enough. Look at what customers ask and you have nothing "
            "about, and add documents."
        )
    if float(nearest[~late].mean() - nearest[late].mean()) > FARTHER:
        said.append(
            "Questions are farther from the documents than before. Add documents about what is asked now; if they "
            "are there, try another embedding model."
        )
    moved = (figures["questions_moved"] or 0.0) > MOVED
    if moved and not said:
        said.append("Customers ask about other things than before, and the documents are as near: nothing to do.")
    if (figures["documents_moved"] or 0.0) > MOVED:
        said.append(
            "New documents are about other things than those before. What ranking knows of the corpus follows by "
            "itself as it grows; run an evaluation set to be sure."
        )
    return said or ["Questions and documents are where they were: nothing to do."]


def _rose(questions: Sequence[Asked], late: np.typing.NDArray[np.bool_]) -> bool:
    """Whether the share without an answer rose by more than chance (two-proportion z-test)."""
    judged = [
        (bool(side), not each.found) for each, side in zip(questions, late, strict=True) if each.found is not None
    ]
    sides = [[failed for is_late, failed in judged if is_late == side] for side in (False, True)]
    if min(map(len, sides)) < FEWEST:
        return False
    before, now = (sum(side) / len(side) for side in sides)
    both = (sum(sides[0]) + sum(sides[1])) / (len(sides[0]) + len(sides[1]))
    error = math.sqrt(both * (1 - both) * (1 / len(sides[0]) + 1 / len(sides[1])))
    return now - before > SURE * error > 0
