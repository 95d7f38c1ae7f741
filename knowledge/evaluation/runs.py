"""A run: every question of a set asked once, of the knowledge as it is or of a candidate."""

from __future__ import annotations

import logging
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError
from django.db.models import Exists, OuterRef
from django.utils import timezone

from knowledge.embedding.base import EmbedderError
from knowledge.evaluation.answers import ANSWERERS, Answered
from knowledge.evaluation.errors import EvaluationError
from knowledge.evaluation.expectations import Expected, expectations, findable, places, relevances, usable
from knowledge.evaluation.measures import measures_of_places
from knowledge.evaluation.rankings import DEPTH, find
from knowledge.evaluation.summary import summarise
from knowledge.models import EvaluationCase, EvaluationResult, EvaluationRun
from knowledge.models.documents import FINISHED
from knowledge.queries import knowledge_version
from tenants.scope import tenant_scope

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from knowledge.evaluation.rankings import Ranking
    from knowledge.models import EvaluationSet
    from knowledge.retrieval.trial import Trial

AT_ONCE = 20  # questions between two looks at whether the run was stopped
ANSWERS_AT_ONCE = 1
LONGEST_LABEL = 120
BROKEN = "Something went wrong that nobody foresaw; the log of the server says what. What was asked so far is kept."
log = logging.getLogger(__name__)


def create_run(
    *,
    evaluation_set: EvaluationSet,
    candidate: Mapping[str, Any],
    label: str,
    with_answers: bool,
    actor: str,
) -> EvaluationRun:
    """A new run that waits to be carried out; needs the tenant's scope. Nobody is asked to work on it.

    Args:
        evaluation_set: whose questions.
        candidate: what differs from what serves; see `EvaluationRun`.
        label: what people call it; empty: its set and time.
        with_answers: whether answers are asked for, too.
        actor: who wants it.
    """
    run: EvaluationRun = EvaluationRun.objects.create(
        set=evaluation_set,
        candidate=dict(candidate),
        label=label[:LONGEST_LABEL],
        with_answers=with_answers,
        started_by=actor[:150],
    )
    return run


def carry_out(tenant_id: int, run_id: int, *, seconds: float = math.inf) -> None:
    """Ask all questions of a run that have no result yet, then sum it up; slow, opens its own short scopes.

    Harmless at any time: one that is done, stopped or gone is left alone, and one whose worker died goes on where it
    was. What makes all of it impossible is told by the run, in state FAILED.

    Args:
        tenant_id: whose run.
        run_id: which.
        seconds: after which it pauses, still in state RUNNING.
    """
    began = time.monotonic()
    asking = _begin(tenant_id, run_id)
    if asking is None:
        return
    try:
        asking.warm_up()
        while cases := asking.next_cases():
            asking.keep([asking.ask(case) for case in cases])
            if time.monotonic() - began > seconds:
                return
        with tenant_scope(tenant_id):
            summarise(run_id)
    except (EmbedderError, EvaluationError) as error:
        log.warning("Run %s cannot go on: %s", run_id, error)
        _fail(tenant_id, run_id, str(error))
    except DatabaseError:
        raise  # whoever comes next goes on
    except Exception:  # whatever it is, whoever looks at the run must see that it broke
        log.exception("Run %s broke", run_id)
        _fail(tenant_id, run_id, BROKEN)


def stop_run(*, run: EvaluationRun) -> bool:
    """End a run that waits or runs, and keep its results; whether there was anything to end. Needs the scope."""
    return bool(
        EvaluationRun.objects.filter(pk=run.pk, state__in=EvaluationRun.IN_WORK).update(
            state=EvaluationRun.State.STOPPED, finished_at=timezone.now(), changed_at=timezone.now()
        )
    )


def _begin(tenant_id: int, run_id: int) -> _Asking | None:
    """The run in state RUNNING, and all that its questions are asked with; None where there is nothing to do."""
    with tenant_scope(tenant_id):
        run = EvaluationRun.objects.select_for_update().filter(pk=run_id, state__in=EvaluationRun.IN_WORK).first()
        if run is None:
            return None
        if run.state == EvaluationRun.State.QUEUED:
            run.state, run.error, run.knowledge_version = EvaluationRun.State.RUNNING, "", knowledge_version()
        run.save()  # a sign of life, too
        return _Asking(tenant_id, run, _trial_of(run.candidate))


def _trial_of(candidate: Mapping[str, Any]) -> Trial | None:
    from knowledge.retrieval.trial import Trial  # loads the indexes

    return Trial.of(candidate) if candidate else None


def _fail(tenant_id: int, run_id: int, error: str) -> None:
    with tenant_scope(tenant_id):
        EvaluationRun.objects.filter(pk=run_id, state=EvaluationRun.State.RUNNING).update(
            state=EvaluationRun.State.FAILED, error=error, finished_at=timezone.now(), changed_at=timezone.now()
        )


@dataclass(slots=True)
class _Asking:
    """The questions of a run, one after the other."""

    tenant_id: int
    run: EvaluationRun
    trial: Trial | None
    last: int = 0
    """The last case that was taken up."""
    known: frozenset[str] = frozenset()
    """Ids that the questions at hand expect and that can be found."""

    def warm_up(self) -> None:
        """Load the replica: latencies are those of a process that serves."""
        from knowledge.indexes.replica import replicas

        if self.trial is None:
            replicas.load(self.tenant_id)

    def next_cases(self) -> list[EvaluationCase]:
        """Return some cases without a result, none when all have one or the run is no longer wanted."""
        with tenant_scope(self.tenant_id):
            if not EvaluationRun.objects.filter(pk=self.run.pk, state=EvaluationRun.State.RUNNING).exists():
                return []
            asked = EvaluationResult.objects.filter(run=self.run, case=OuterRef("pk"))
            waiting = EvaluationCase.objects.filter(~Exists(asked), set=self.run.set_id, enabled=True, pk__gt=self.last)
            cases = list(waiting.order_by("pk")[: ANSWERS_AT_ONCE if self.run.with_answers else AT_ONCE])
            ids = {expected.document for case in cases for expected in _expected_of(case)}
            self.known = frozenset(findable(ids, self.run.candidate.get("drafts", ())))
        self.last = cases[-1].pk if cases else self.last
        return cases

    def ask(self, case: EvaluationCase) -> EvaluationResult:
        """Ask one question; nothing is written."""
        wanted, missing = usable(_expected_of(case), self.known)
        ranking = find(self.tenant_id, case.question, self.trial)
        answered = self._answered(case)
        return EvaluationResult(
            tenant_id=self.tenant_id,
            run=self.run,
            case=case,
            ranking=_rows(ranking),
            measures=measures_of_places(places(ranking, wanted), relevances(wanted)) if wanted else {},
            missing=missing,
            answer=answered.text,
            answer_measures=answered.measures,
            failed=answered.failed,
            ms=ranking.ms,
        )

    def _answered(self, case: EvaluationCase) -> Answered:
        if not self.run.with_answers:
            return Answered()
        if ANSWERERS.answering is None:
            raise EvaluationError("Nobody answers questions in this process: run without answers.")
        return ANSWERERS.answering(self.tenant_id, case.question, case.expected_answer, self.run.candidate)

    def keep(self, results: Sequence[EvaluationResult]) -> None:
        """Write results down, unless their run or case has gone meanwhile."""
        with tenant_scope(self.tenant_id):
            run = EvaluationRun.objects.select_for_update().filter(pk=self.run.pk).first()
            cases = EvaluationCase.objects.select_for_update(no_key=True).filter(pk__in=[r.case_id for r in results])
            alive = set(cases.values_list("pk", flat=True)) if run else set()
            kept = [result for result in results if result.case_id in alive]
            EvaluationResult.objects.bulk_create(kept, ignore_conflicts=True)
            if run and run.state == EvaluationRun.State.RUNNING:
                run.progress = self._progress()
                run.save(update_fields=["progress", "changed_at"])

    def _progress(self) -> int:
        cases = EvaluationCase.objects.filter(set=self.run.set_id, enabled=True).count()
        asked: int = EvaluationResult.objects.filter(run=self.run).count()
        return int(min(FINISHED, FINISHED * asked // max(1, cases)))


def _expected_of(case: EvaluationCase) -> list[Expected]:
    return expectations(case.expected, f"Question {case.pk}")


def _rows(ranking: Ranking) -> list[dict[str, Any]]:
    """What a result keeps: the first passages, and those of further documents up to `DEPTH` of them."""
    documents, seen, kept = set(ranking.documents), set[str](), []
    for at, passage in enumerate(ranking.passages):
        if at < DEPTH or (passage.document in documents and passage.document not in seen):
            kept.append({"document": passage.document, "chunk": passage.chunk, "score": round(passage.score, 4)})
        seen.add(passage.document)
    return kept
