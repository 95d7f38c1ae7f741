"""Runs in the admin: how far, what they came to, question by question, and two of them side by side."""

import re
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Page, Paginator
from django.db.models import F, FloatField, Q, QuerySet
from django.db.models.fields.json import KT
from django.db.models.functions import Cast
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST

from knowledge.admin.evaluation.reading import (
    ALL_MEASURES,
    FIRST_MEASURE,
    candidate_words,
    lines_of,
    places_of,
    wanted_of,
)
from knowledge.evaluation.comparison import ORDER, SAME, Change, compare
from knowledge.evaluation.expectations import expectations
from knowledge.evaluation.jobs import retry_run
from knowledge.evaluation.runs import stop_run
from knowledge.evaluation.wording import measure_name, verdict
from knowledge.models import EvaluationCase, EvaluationResult, EvaluationRun
from tenants.admin.base import ReadOnlyAdmin, actor, may
from tenants.models import Role
from tenants.services import record_audit

RUN = "admin:knowledge_evaluationrun_change"
SET = "admin:knowledge_evaluationset_change"
PER_PAGE = 50
ID = re.compile(r"[0-9]{1,18}")
#: What of a run's questions is shown: a name, and which those are.
VIEWS: dict[str, tuple[str, Q]] = {
    "missed": ("Missed", Q(**{"measures__recall@10": 0})),
    "late": ("Found, but not first", Q(**{"measures__recall@10__gt": 0, "measures__mrr@10__lt": 1})),
    "first": ("First", Q(**{"measures__mrr@10": 1})),
    "left_out": ("Left out", Q(measures={})),
    "failed": ("No answer or judgement", ~Q(failed="")),
    "all": ("All", Q()),
}
KINDS = {
    "lost": "Lost: not among the first ten any more",
    "worse": "Worse",
    "gained": "Gained: among the first ten now",
    "better": "Better",
    "same": "The same",
}


@admin.register(EvaluationRun)
class EvaluationRunAdmin(ReadOnlyAdmin):
    """Runs: all who work with sets read them, curators stop them and go on with them."""

    roles = (Role.CURATOR, Role.REVIEWER)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Runs are listed by their sets."""
        del extra_context
        if not self.has_view_permission(request):
            raise PermissionDenied
        return redirect("admin:knowledge_evaluationset_changelist")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("<int:pk>/progress/", view(self.progress), name="evaluation_progress"),
            path("<int:pk>/stop/", view(self.stop), name="evaluation_stop"),
            path("<int:pk>/retry/", view(self.retry), name="evaluation_retry"),
            path("<int:pk>/questions/<int:case>/", view(self.question), name="evaluation_question"),
            path("compare/", view(self.compare), name="evaluation_compare"),
            path("<int:pk>/beside/<int:other>/<int:case>/", view(self.pair), name="evaluation_pair"),
        ]
        return [*own, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """One run: its figures and its questions, those that failed first."""
        run = self.get_object(request, object_id)
        if run is None or not self.has_view_permission(request, run):
            return super().change_view(request, object_id, form_url, extra_context)  # type: ignore[no-any-return] # says what is wrong; unfold ships no types
        results = EvaluationResult.objects.filter(run=run)
        shown = request.GET.get("show", "")
        if shown not in VIEWS:
            shown = next((name for name, (_, which) in VIEWS.items() if results.filter(which).exists()), "all")
        context = self._context(request, run) | {
            "lines": lines_of(run),
            "differs": candidate_words(run.candidate),
            "views": [(name, label, results.filter(which).count()) for name, (label, which) in VIEWS.items()],
            "shown": shown,
            "page": _page(results.filter(VIEWS[shown][1]), request.GET.get("page")),
            "others": EvaluationRun.objects.filter(set=run.set_id, state=EvaluationRun.State.DONE).exclude(pk=run.pk)[
                :20
            ],
        }
        return render(request, "admin/knowledge/evaluation/run.html", context)

    def progress(self, request: HttpRequest, pk: int) -> HttpResponse:
        """How far it is, as a piece that htmx puts in its place; the whole page once it has ended."""
        run = self._run(request, pk)
        response = render(request, "admin/knowledge/evaluation/_progress.html", self._context(request, run))
        if run.state not in EvaluationRun.IN_WORK:
            response["HX-Refresh"] = "true"
        return response

    @method_decorator(require_POST)
    def stop(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask no further questions."""
        run = self._run(request, pk, Role.CURATOR)
        if stop_run(run=run):
            record_audit(actor=actor(request), action="evaluation.stopped", target=str(run.set), detail={"run": pk})
            messages.success(request, "Stopped. What was asked so far is kept; going on later asks the rest.")
        return redirect(RUN, pk)

    @method_decorator(require_POST)
    def retry(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Go on where it was."""
        run = self._run(request, pk, Role.CURATOR)
        record_audit(actor=actor(request), action="evaluation.retried", target=str(run.set), detail={"run": pk})
        retry_run(run)
        return redirect(RUN, pk)

    def question(self, request: HttpRequest, pk: int, case: int) -> HttpResponse:
        """What one question found, and what was answered."""
        run = self._run(request, pk)
        detail = _detail(get_object_or_404(EvaluationResult.objects.select_related("case"), run=run, case=case))
        return render(request, "admin/knowledge/evaluation/_question.html", {"detail": detail})

    def compare(self, request: HttpRequest) -> HttpResponse:
        """Two runs of a set, `?a=` before and `?b=` after."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        ids = [request.GET.get(name, "") for name in ("a", "b")]
        runs = [self._run(request, int(pk)) for pk in ids if ID.fullmatch(pk)]
        if len(runs) != 2 or runs[0].pk == runs[1].pk or runs[0].set_id != runs[1].set_id:  # noqa: PLR2004 (two runs)
            messages.error(request, "Choose two different runs of the same set.")
            return redirect(SET, runs[0].set_id) if runs else redirect("admin:knowledge_evaluationset_changelist")
        measure = request.GET.get("measure", FIRST_MEASURE)
        context = self._context(request, runs[1]) | _compared(
            runs[0], runs[1], measure if measure in ALL_MEASURES else FIRST_MEASURE, request.GET.get("page")
        )
        return render(request, "admin/knowledge/evaluation/compare.html", context)

    def pair(self, request: HttpRequest, pk: int, other: int, case: int) -> HttpResponse:
        """What one question found in two runs."""
        sides = [
            _detail(get_object_or_404(EvaluationResult.objects.select_related("case"), run=run, case=case))
            for run in (self._run(request, pk), self._run(request, other))
        ]
        return render(request, "admin/knowledge/evaluation/_pair.html", {"before": sides[0], "after": sides[1]})

    def _run(self, request: HttpRequest, pk: int, *roles: Role) -> EvaluationRun:
        if not may(request, *(roles or self.roles)):
            raise PermissionDenied
        found: EvaluationRun = get_object_or_404(EvaluationRun.objects.select_related("set"), pk=pk)
        return found

    def _context(self, request: HttpRequest, run: EvaluationRun) -> dict[str, Any]:
        shared = self.admin_site.each_context(request)
        at_work = run.state in EvaluationRun.IN_WORK
        may_curate = may(request, Role.CURATOR)
        return {
            **shared,
            "opts": self.opts,
            "title": str(run),
            "run": run,
            "at_work": at_work,
            "may_curate": may_curate,
        }


def _page(results: QuerySet[EvaluationResult], number: str | None) -> Page[Any]:
    """The questions of a run, the worst first."""
    worst = F("value").asc(nulls_last=True)
    ordered = results.annotate(value=Cast(KT("measures__ndcg@10"), FloatField())).order_by(worst, "case")
    return Paginator(ordered.select_related("case").defer("ranking"), PER_PAGE).get_page(number)


def _detail(result: EvaluationResult) -> dict[str, Any]:
    wanted = expectations(result.case.expected, "It")
    return {
        "result": result,
        "wanted": wanted_of([result.case])[result.case_id],
        "places": places_of(result, wanted),
        "judged": [(measure_name(name), value) for name, value in result.answer_measures.items()],
    }


def _compared(before: EvaluationRun, after: EvaluationRun, measure: str, page: str | None) -> dict[str, Any]:
    found = compare(before, after, measure)
    changes: Page[Change] = Paginator(found.changes, PER_PAGE).get_page(page)
    questions = EvaluationCase.objects.in_bulk([change.case for change in changes])
    ordered = [name for name in ALL_MEASURES if name in found.differences]
    return {
        "title": "Two runs side by side",
        "before": before,
        "after": after,
        "set": after.set,
        "differs": candidate_words(after.candidate),
        "measure": measure,
        "measure_name": measure_name(measure),
        "rows": [(name, measure_name(name), found.differences[name]) for name in ordered],
        "verdict": verdict(found.differences[measure]) if measure in found.differences else "",
        "counts": [(kind, KINDS[kind], found.counts[kind]) for kind in ORDER if kind != SAME or found.counts[kind]],
        "found": found,
        "kept": urlencode({"a": before.pk, "b": after.pk, "measure": measure}),
        "page": changes,
        "changes": [(change, KINDS[change.kind], questions.get(change.case)) for change in changes],
    }
