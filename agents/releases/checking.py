"""A release checked: its questions asked of what serves and of the change, and what follows from it.

Nothing is held while questions are asked: a worker that dies leaves runs that the next one goes on with, and the last
step looks again whether the release is still to be decided.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from typing import TYPE_CHECKING

from django.db import transaction

from agents.prompts.versions import prompts_of_tenant
from agents.releases.comparing import falls, measures_of, verdicts
from agents.releases.going_live import CannotGoLiveError, bring_live, candidate_of
from knowledge import releasing
from knowledge.evaluation import runs
from knowledge.models import EvaluationCase, EvaluationRun, Release, ReleaseGate
from knowledge.queries import knowledge_version
from tenants.scope import tenant_scope
from tenants.services import record_audit

if TYPE_CHECKING:
    from knowledge.models import EvaluationSet

SLICE = 30.0  # seconds of asking before others have their turn
GATE = "release gate"  # who decides, for the audit trail
GATE_IS_OFF = "The gate was switched off, so it was not checked."
NO_SET = "The gate has no set of questions: choose one, or switch the gate off."
EMPTY_SET = "The set of questions “{}” is empty: add questions, choose another set, or switch the gate off."
UNASKED = "The questions could not be asked: {}"
STOPPED = "The run “{}” was stopped, so nobody knows what the change does. Check again to ask the questions anew."
MOST_ROUNDS = 3
"""How often the questions of a release are begun, where the knowledge changes each time that they are asked."""
RESTLESS = (
    f"Documents or settings changed each of the {MOST_ROUNDS} times that the questions were asked. Check again when "
    "less is being changed, or release it anyway."
)
UNFINISHED = (EvaluationRun.State.FAILED, EvaluationRun.State.STOPPED)
log = logging.getLogger(__name__)


def check(tenant_id: int, release_id: int, *, seconds: float = SLICE) -> bool:
    """Take a release a step further; slow, opens its own short scopes. Harmless at any time.

    Returns:
        Whether there is more to do now.
    """
    deadline = time.monotonic() + seconds
    with tenant_scope(tenant_id):
        to_ask = _prepared(release_id)
    if not to_ask:
        return False
    for run in to_ask:
        runs.carry_out(tenant_id, run, seconds=max(deadline - time.monotonic(), 1.0))
        with tenant_scope(tenant_id):
            state = EvaluationRun.objects.filter(pk=run).values_list("state", flat=True).first()
        if state in EvaluationRun.IN_WORK:
            return True
        if state != EvaluationRun.State.DONE:
            break  # the other one would tell nothing by itself
    with tenant_scope(tenant_id):
        return not _decide(release_id)


def _locked(release_id: int) -> Release | None:
    """A release that is to be checked; None once it was decided."""
    waiting = Release.objects.filter(pk=release_id, state=Release.State.CHECKING)
    release: Release | None = waiting.select_for_update().first()
    return release


def _prepared(release_id: int) -> list[int]:
    """The ids of the runs of a release; none where there is nothing to ask (yet)."""
    release = _locked(release_id)
    if release is None or not releasing.is_read(release):
        return []
    if "documents" in release.change and not releasing.still_to_come(release).exists():
        releasing.withdraw_emptied()
        return []
    gate = ReleaseGate.objects.select_related("set").first()
    if gate is None or not gate.enabled:
        go_live(release, actor=GATE, reasons=[GATE_IS_OFF])
        return []
    if problem := _problem(gate.set):
        _keep(release, Release.State.FAILED, [problem])
        return []
    return _runs_of(release, gate.set)


def _problem(questions: EvaluationSet | None) -> str:
    """Why a set cannot be asked; empty where it can."""
    if questions is None:
        return NO_SET
    if not EvaluationCase.objects.filter(set=questions, enabled=True).exists():
        return EMPTY_SET.format(questions)
    return ""


def _runs_of(release: Release, questions: EvaluationSet) -> list[int]:
    """The runs of a release, made anew where what they were measured on has changed; none once that was too often."""
    basis, wanted = basis_of(release, questions), candidate_of(release)
    if release.basis != basis:
        releasing.end_runs(release)
        if release.rounds == MOST_ROUNDS:
            _keep(release, Release.State.FAILED, [RESTLESS])
            return []
        release.rounds += 1
    baseline, candidate = release.baseline, release.candidate
    if release.basis != basis or baseline is None:
        baseline = _baseline(release, questions, basis)
    if release.basis != basis or candidate is None or candidate.candidate != wanted:
        candidate = _run(release, questions, wanted, f"After: {release.label}")
    release.baseline, release.candidate, release.basis = baseline, candidate, basis
    release.save(update_fields=["baseline", "candidate", "basis", "rounds", "changed_at"])
    return [baseline.pk, candidate.pk]


def _baseline(release: Release, questions: EvaluationSet, basis: str) -> EvaluationRun:
    """A run of what serves; one that was measured on the same is used again."""
    same = Release.objects.filter(basis=basis, baseline__state=EvaluationRun.State.DONE)
    known: EvaluationRun | None = EvaluationRun.objects.filter(pk__in=same.values("baseline")).first()
    return known or _run(release, questions, {}, f"Before: {release.label}")


def _run(release: Release, questions: EvaluationSet, candidate: dict[str, object], label: str) -> EvaluationRun:
    return runs.create_run(
        evaluation_set=questions,
        candidate=candidate,
        label=label,
        with_answers=_with_answers(release),
        actor=release.requested_by,
    )


def _with_answers(release: Release) -> bool:
    """Prompts show in answers alone; the rest shows in what is found, which costs nothing."""
    return "prompt" in release.change


def basis_of(release: Release, questions: EvaluationSet) -> str:
    """A digest of all that a baseline depends on: the questions, the knowledge and its settings, the prompts."""
    cases = EvaluationCase.objects.filter(set=questions, enabled=True).order_by("pk")
    asked = list(cases.values_list("pk", "question", "expected", "expected_answer"))
    prompts = prompts_of_tenant().version if _with_answers(release) else ""
    parts = [questions.pk, asked, knowledge_version(), prompts]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _decide(release_id: int) -> bool:
    """Brings a release live whose runs are done, or holds it back; False where it has to be asked anew."""
    release = _locked(release_id)
    gate = ReleaseGate.objects.select_related("set").first()
    if release is None:
        return True
    baseline, candidate = release.baseline, release.candidate
    if gate is None or not gate.enabled or gate.set is None or baseline is None or candidate is None:
        return False  # the gate was switched off, or its set deleted with the runs: the next step says so
    if ended := [run for run in (baseline, candidate) if run.state in UNFINISHED]:
        _keep(release, Release.State.FAILED, [_unasked(ended[0])])
        return True
    if any(run.state in EvaluationRun.IN_WORK for run in (baseline, candidate)):
        return False  # one that was stopped goes on
    if basis_of(release, gate.set) != release.basis or candidate_of(release) != candidate.candidate:
        return False  # something else changed meanwhile: both are asked again
    found = falls(measures_of(baseline), measures_of(candidate), gate.tolerance)
    if found:
        questions = dict(EvaluationCase.objects.filter(set=gate.set).values_list("pk", "question"))
        _keep(release, Release.State.HELD, verdicts(found, questions))
    else:
        go_live(release, actor=GATE, reasons=[])
    return True


def _unasked(run: EvaluationRun) -> str:
    return STOPPED.format(run) if run.state == EvaluationRun.State.STOPPED else UNASKED.format(run.error)


def go_live(release: Release, *, actor: str, reasons: list[str]) -> bool:
    """Bring a locked release live; one that cannot be says why and stays. Needs the tenant's scope.

    Returns:
        Whether it is live now.
    """
    try:
        with transaction.atomic():
            bring_live(release, actor=actor)
    except CannotGoLiveError as error:
        _keep(release, Release.State.FAILED, [str(error)])
        return False
    release.decided_by = actor[:150]
    _keep(release, Release.State.LIVE, reasons)
    record_audit(actor=actor, action="release.live", target=release.label, detail={"reasons": reasons})
    return True


def _keep(release: Release, state: Release.State, reasons: list[str]) -> None:
    release.state, release.reasons = state, reasons
    release.save(update_fields=["state", "reasons", "decided_by", "changed_at"])
    releasing.end_runs(release)
