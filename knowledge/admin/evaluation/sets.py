"""Evaluation sets in the admin: the list, the page of one with its history, and files in and out."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import slugify
from django.views.decorators.http import require_POST

from knowledge.admin.evaluation.charts import chart_of
from knowledge.admin.evaluation.forms import ImportForm, SetForm
from knowledge.admin.evaluation.reading import ALL_MEASURES, FIRST_MEASURE, gone_documents, history, sets_overview
from knowledge.evaluation import services
from knowledge.evaluation.importing import as_json_lines
from knowledge.evaluation.jobs import start_run
from knowledge.evaluation.wording import figure, measure_name
from knowledge.models import EvaluationCase, EvaluationRun, EvaluationSet
from tenants.admin.base import TenantModelAdmin, actor, may
from tenants.models import Role
from tenants.services import record_audit

SET = "admin:knowledge_evaluationset_change"
RUN = "admin:knowledge_evaluationrun_change"
MOST_RUNS = 50
GONE_SHOWN = 20


@admin.register(EvaluationSet)
class EvaluationSetAdmin(TenantModelAdmin):
    """Sets: curators keep them, reviewers read them and add questions."""

    roles = (Role.CURATOR,)
    form = SetForm
    heading = "Evaluation"
    add_label = "Add a set"
    empty_hint = "A set is a list of questions with the documents that each should find. Asking it shows how good "
    empty_hint += "search and answers are, and whether a change made them better or worse."
    list_display = ("name", "questions", "latest", "asked", "every_night")
    search_fields = ("name", "description")
    ordering = ("name",)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may(request, Role.CURATOR, Role.REVIEWER)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 (Django's signature)
        return may(request, Role.CURATOR, Role.REVIEWER)

    def get_queryset(self, request: HttpRequest) -> QuerySet[EvaluationSet]:  # noqa: ARG002 (Django's signature)
        return sets_overview().order_by(*self.ordering)

    @admin.display(description="Questions")
    def questions(self, row: Any) -> SafeString:
        return format_html('<span class="num">{}</span>', f"{row.questions:,}")

    @admin.display(description="Latest: Recall@5")
    def latest(self, row: Any) -> SafeString:
        if not row.latest_metrics or FIRST_MEASURE not in row.latest_metrics:
            return format_html('<span class="aw-note">{}</span>', "not asked yet")
        low, high = row.latest_intervals[FIRST_MEASURE]
        fell = format_html(' <span class="aw-badge aw-failed">{}</span>', "fell") if row.latest_note else ""
        value = figure(row.latest_metrics[FIRST_MEASURE])
        return format_html(
            '<span class="num">{} <span class="aw-note">{} to {}</span></span>{}',
            value,
            figure(low),
            figure(high),
            fell,
        )

    @admin.display(description="Asked")
    def asked(self, row: Any) -> Any:
        return row.latest_at

    @admin.display(description="Every night", boolean=True)
    def every_night(self, row: EvaluationSet) -> bool:
        return row.nightly

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("<int:pk>/edit/", view(self.edit), name="evaluation_edit"),
            path("<int:pk>/import/", view(self.import_cases), name="evaluation_import"),
            path("<int:pk>/export/", view(self.export), name="evaluation_export"),
            path("<int:pk>/run/", view(self.run), name="evaluation_run"),
        ]
        return [*own, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """One set: its standing, its history as a chart and as figures, its runs."""
        shown: EvaluationSet | None = self.get_object(request, object_id)
        if shown is None or not self.has_view_permission(request, shown):
            return super().change_view(request, object_id, form_url, extra_context)  # type: ignore[no-any-return] # says what is wrong; unfold ships no types
        measure = request.GET.get("measure", FIRST_MEASURE)
        context = self._context(request, shown) | _page(shown, measure if measure in ALL_MEASURES else FIRST_MEASURE)
        return render(request, "admin/knowledge/evaluation/set.html", context)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        return super().add_view(request, form_url, {"title": "Add a set"} | (extra_context or {}))  # type: ignore[no-any-return] # unfold ships no types

    def edit(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Its name, description and whether it is asked every night."""
        return super().change_view(request, str(pk))  # type: ignore[no-any-return] # unfold ships no types

    def response_add(self, request: HttpRequest, obj: EvaluationSet, post_url_continue: Any = None) -> HttpResponse:  # noqa: ARG002 (Django's signature)
        return redirect(SET, obj.pk)

    def response_change(self, request: HttpRequest, obj: EvaluationSet) -> HttpResponse:
        messages.success(request, "Saved.")
        return redirect(SET, obj.pk)

    def save_model(self, request: HttpRequest, obj: EvaluationSet, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        what = "evaluation.set_edited" if change else "evaluation.set_created"
        record_audit(actor=actor(request), action=what, target=str(obj), detail={"fields": form.changed_data})

    def delete_model(self, request: HttpRequest, obj: EvaluationSet) -> None:
        record_audit(actor=actor(request), action="evaluation.set_deleted", target=str(obj))
        obj.delete()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[EvaluationSet]) -> None:
        for obj in queryset:
            self.delete_model(request, obj)

    def get_deleted_objects(
        self,
        objs: Any,
        request: HttpRequest,  # noqa: ARG002 (Django's signature)
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Names alone: not each of its questions and results."""
        names = [f"{found}, with its questions and runs" for found in objs]
        return names, {"sets": len(names)}, set(), []

    def import_cases(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Questions from a file: all of it, or nothing and why."""
        shown = self._changeable(request, pk)
        posted = request.method == "POST"
        form = ImportForm(request.POST, request.FILES) if posted else ImportForm()
        if posted and form.is_valid():
            cases = form.cleaned_data["cases"]
            new = services.add_cases(evaluation_set=shown, cases=cases, actor=actor(request))
            there = len(cases) - new
            messages.success(request, f"{new:,} new questions." + (f" {there:,} were there already." if there else ""))
            return redirect(SET, pk)
        context = self._context(request, shown) | {"title": f"Import questions to {shown}", "form": form}
        return render(request, "admin/knowledge/evaluation/import.html", context)

    def export(self, request: HttpRequest, pk: int) -> HttpResponse:
        """All questions as a file that can be imported again."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        shown: EvaluationSet = get_object_or_404(EvaluationSet.objects, pk=pk)
        cases = list(EvaluationCase.objects.filter(set=shown))
        name = slugify(shown.name) or "questions"
        headers = {"Content-Disposition": f'attachment; filename="{name}.jsonl"'}
        return HttpResponse(as_json_lines(cases), content_type="application/jsonl; charset=utf-8", headers=headers)

    @method_decorator(require_POST)
    def run(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask the set now."""
        shown = self._changeable(request, pk)
        if not EvaluationCase.objects.filter(set=shown, enabled=True).exists():
            messages.error(request, "There is nothing to ask: add questions first.")
            return redirect(SET, pk)
        run = start_run(
            evaluation_set=shown,
            label=request.POST.get("label", "").strip(),
            with_answers="answers" in request.POST,
            actor=actor(request),
        )
        return redirect(RUN, run.pk)

    def _changeable(self, request: HttpRequest, pk: int) -> EvaluationSet:
        if not self.has_change_permission(request):
            raise PermissionDenied
        found: EvaluationSet = get_object_or_404(EvaluationSet.objects, pk=pk)
        return found

    def _context(self, request: HttpRequest, shown: EvaluationSet) -> dict[str, Any]:
        may_curate = self.has_change_permission(request)
        shared = self.admin_site.each_context(request)
        return {**shared, "opts": self.opts, "title": str(shown), "set": shown, "may_curate": may_curate}


def _page(shown: EvaluationSet, measure: str) -> dict[str, Any]:
    past, gone = history(shown), gone_documents(shown)
    cases = EvaluationCase.objects.filter(set=shown)
    known = [name for name in ALL_MEASURES if any(name in run.metrics for run in past)]
    runs = list(EvaluationRun.objects.filter(set=shown)[:MOST_RUNS])
    return {
        "questions": cases.filter(enabled=True).count(),
        "off": cases.filter(enabled=False).count(),
        "gone": dict(list(gone.items())[:GONE_SHOWN]),
        "more_gone": max(0, len(gone) - GONE_SHOWN),
        "latest": past[-1] if past else None,
        "measure": measure,
        "measure_name": measure_name(measure),
        "measures": [(name, measure_name(name)) for name in known],
        "chart": chart_of(past, measure),
        "past": [
            (run, run.metrics[measure], *run.intervals[measure]) for run in reversed(past) if measure in run.metrics
        ],
        "runs": [(run, run.metrics.get(measure)) for run in runs],
        "comparable": sum(run.state == EvaluationRun.State.DONE for run in runs) > 1,
    }
