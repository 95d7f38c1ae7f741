"""Questions without a good passage, gathered by what they ask for: "customers ask for … and you have nothing".

Clustering is by leaders (Hartigan, Clustering Algorithms, 1975, chapter 3): a question joins the cluster whose mean it
is nearest to, if it is near enough, and else begins one. So a new question never moves an old one, the same questions
in the same order come to the same clusters, and nothing but the means is needed. Everything here needs a tenant scope.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import regex
from django.db import transaction
from django.utils import timezone
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.manager import JobManager
from procrastinate.tasks import configure_task

from knowledge.models import Gap
from tenants.services import record_audit

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from knowledge.embedding.base import Embedder, Floats
    from knowledge.models import Document

REFRESH, QUEUE = "chat.refresh_gaps", "upkeep"
NEAR = 0.55
"""Cosine to the mean of a cluster from which a question belongs to it; `python -m benchmarks.gaps` measures it."""
KEPT = 200  # questions of a gap, the latest
COMPARED = 50  # of these that the central one is chosen among
SHOWN = 5  # questions in the skeleton of an article
WORDS = 4  # that say what a gap is about
RECENT = dt.timedelta(days=28)
MAX_LABEL = 200  # characters
WORD = regex.compile(r"[\p{L}\p{M}\p{N}]{3,}")
PLACEHOLDER = "Write the answer here."
log = logging.getLogger(__name__)

# Django's own connection: the job commits with what asked for it.
_jobs = JobManager(DjangoConnector())


@dataclass(frozen=True, slots=True)
class Question:
    """A question that found nothing good.

    Attributes:
        text: without personal data.
        message: the id of the reply to it.
        at: when it was asked.
        evidence: the answerability of what was found then.
    """

    text: str
    message: str
    at: dt.datetime
    evidence: float = 0.0

    def row(self) -> dict[str, Any]:
        """As `Gap.questions` has it."""
        at = self.at.isoformat()
        return {"text": self.text, "message": self.message, "at": at, "evidence": round(self.evidence, 3)}


class Clusters:
    """Means of clusters, to which questions are added one after the other."""

    def __init__(self, means: Sequence[Floats] = (), counts: Sequence[int] = ()) -> None:
        self.means = [np.asarray(mean, np.float32) for mean in means]
        self.counts = list(counts)

    def add(self, vector: Floats) -> int:
        """The number of the cluster that a unit vector [d] has joined, or begun."""
        best, cosine = self.nearest(vector)
        if best is None or cosine < NEAR:
            self.means.append(vector.astype(np.float32))
            self.counts.append(1)
            return len(self.means) - 1
        count = self.counts[best]
        self.means[best] = ((self.means[best] * count + vector) / (count + 1)).astype(np.float32)
        self.counts[best] = count + 1
        return best

    def nearest(self, vector: Floats) -> tuple[int | None, float]:
        """The nearest cluster, the first of equal ones, and its cosine; None where there is no cluster."""
        if not self.means:
            return None, 0.0
        means = np.stack(self.means)
        cosines = means @ vector / np.maximum(np.linalg.norm(means, axis=1), 1e-9)
        best = int(np.argmax(cosines))
        return best, float(cosines[best])


def known_messages() -> set[str]:
    """The ids of the replies whose questions are in a gap already."""
    return {question["message"] for gap in Gap.objects.all() for question in gap.questions}


def texts_of(gap: Gap) -> list[str]:
    """The latest questions of a gap, each wording once."""
    return list(dict.fromkeys(question["text"] for question in gap.questions))


def outdated(model: str) -> list[Gap]:
    """The gaps whose means another model made."""
    return list(Gap.objects.exclude(model=model))


def renew(gap: Gap, vectors: Floats, model: str) -> None:
    """Gives a gap a mean of this model, from the vectors [n, d] of its texts."""
    gap.centre, gap.model = vectors.mean(axis=0).astype(np.float32).tobytes(), model
    gap.save(update_fields=["centre", "model"])


def gather(questions: Sequence[Question], vectors: Floats, model: str) -> list[Gap]:
    """Puts questions into gaps, in the order in which they were asked; returns the gaps that have changed.

    One that customers were helped with opens again; one that was dismissed stays dismissed.

    Args:
        questions: new ones, none of them in a gap.
        vectors: float32 [n, d], unit length, one a question.
        model: which embedder made them.
    """
    gaps = list(Gap.objects.filter(model=model).order_by("pk").select_for_update())
    clusters = Clusters([np.frombuffer(gap.centre, np.float32) for gap in gaps], [gap.count for gap in gaps])
    order = sorted(range(len(questions)), key=lambda n: (questions[n].at, questions[n].message))
    changed: dict[int, Gap] = {}
    for n in order:
        number = clusters.add(vectors[n])
        if number == len(gaps):
            gaps.append(Gap(label=questions[n].text[:MAX_LABEL], model=model, first_at=questions[n].at))
        _join(gaps[number], questions[n])
        changed[number] = gaps[number]
    for number, gap in changed.items():
        gap.centre, gap.count = clusters.means[number].tobytes(), clusters.counts[number]
        gap.save()
    return list(changed.values())


def _join(gap: Gap, question: Question) -> None:
    gap.questions = [question.row(), *gap.questions][:KEPT]
    gap.last_at = question.at
    if gap.state == Gap.State.WRITTEN:
        gap.state = Gap.State.OPEN


def name(gap: Gap, embedder: Embedder) -> str:
    """The most central question of a gap: the one nearest to the mean of its latest. Slow; touches no database."""
    texts = texts_of(gap)[:COMPARED]
    vectors = embedder.encode_texts(texts)
    closeness = vectors @ vectors.mean(axis=0)
    return texts[int(np.argmax(closeness))][:MAX_LABEL]


def characteristic_words(gaps: Collection[Gap]) -> dict[int, list[str]]:
    """By the gap's id, words that many of its questions have and few other gaps: tf-idf over gaps."""
    used = {gap.pk: Counter(word for text in texts_of(gap) for word in set(_words(text))) for gap in gaps}
    spread = Counter(word for words in used.values() for word in words)
    found = {}
    for pk, words in used.items():
        weight = {word: count * np.log((1 + len(used)) / spread[word]) for word, count in words.items()}
        found[pk] = sorted(weight, key=lambda word: (-weight[word], word))[:WORDS]
    return found


def _words(text: str) -> list[str]:
    return [word.lower() for word in WORD.findall(text)]


def recent_counts(gap: Gap) -> tuple[int, int]:
    """How many of the kept questions are of the last 28 days, and of the 28 days before."""
    now = timezone.now()
    ages = [now - dt.datetime.fromisoformat(question["at"]) for question in gap.questions]
    return sum(age < RECENT for age in ages), sum(RECENT <= age < 2 * RECENT for age in ages)


def article(gap: Gap) -> dict[str, str]:
    """The beginnings of an article: its title, and a text with a place for each answer."""
    questions = texts_of(gap)[:SHOWN]
    text = "\n\n".join(f"## {question}\n\n{PLACEHOLDER}" for question in questions)
    return {"title": gap.label, "text": text}


def note_article(gap: Gap, document: Document, *, actor: str) -> None:
    """Keeps which document was written for a gap; it closes once its questions find an answer."""
    gap.document = document
    gap.save(update_fields=["document"])
    record_audit(actor=actor, action="gap.article", target=gap.label, detail={"document": document.external_id})


def dismiss(gap: Gap, *, actor: str) -> bool:
    """Takes a gap off the list for good; whether it was there."""
    if not Gap.objects.filter(pk=gap.pk, state=Gap.State.OPEN).update(state=Gap.State.DISMISSED):
        return False
    record_audit(actor=actor, action="gap.dismissed", target=gap.label)
    return True


def reopen(gap: Gap, *, actor: str) -> bool:
    """Puts a dismissed gap back on the list; whether it was dismissed."""
    if not Gap.objects.filter(pk=gap.pk, state=Gap.State.DISMISSED).update(state=Gap.State.OPEN):
        return False
    record_audit(actor=actor, action="gap.reopened", target=gap.label)
    return True


def close(gap_ids: Iterable[int]) -> None:
    """Takes gaps off the list whose questions find an answer now."""
    for gap in Gap.objects.filter(pk__in=list(gap_ids), state=Gap.State.OPEN):
        gap.state = Gap.State.WRITTEN
        gap.save(update_fields=["state"])
        record_audit(actor="gaps", action="gap.closed", target=gap.label)


def forget_questions(messages: Collection[str]) -> int:
    """Removes the questions of these replies, wherever they are; a gap that has no other goes. Returns how many."""
    gone = set(messages)
    removed = 0
    for gap in Gap.objects.select_for_update():
        kept = [question for question in gap.questions if question["message"] not in gone]
        lost = len(gap.questions) - len(kept)
        if not lost:
            continue
        removed += lost
        if not kept:
            gap.delete()
            continue
        gap.questions, gap.count = kept, gap.count - lost
        gap.label = kept[0]["text"][:MAX_LABEL]
        gap.save(update_fields=["questions", "count", "label"])
    return removed


def enqueue_refresh(tenant_id: int, task: str = REFRESH) -> None:
    """Ask a worker for a report of a tenant, in the open transaction; harmless when it was asked already.

    Questions and ratings are in the tables of chat, so tasks are deferred by their names.
    """
    key = f"{task}:{tenant_id}"
    deferrer = configure_task(name=task, job_manager=_jobs, queue=QUEUE, lock=key, queueing_lock=key)
    try:
        with transaction.atomic():
            deferrer.defer(tenant_id=tenant_id)
    except AlreadyEnqueued:
        log.info("%s of tenant %s waits already", task, tenant_id)
