"""The questions of evaluation sets in the admin."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from knowledge.admin.evaluation.forms import CaseForm
from knowledge.admin.evaluation.reading import wanted_of
from knowledge.models import EvaluationCase, EvaluationSet
from tenants.admin.base import TenantModelAdmin, actor, may
from tenants.models import Role
from tenants.services import record_audit

LIST = "admin:knowledge_evaluationcase_changelist"
LONGEST = 160  # characters of a question in the list


@admin.register(EvaluationCase)
class EvaluationCaseAdmin(TenantModelAdmin):
    """Questions: reviewers read and add them, curators change them as well."""

    roles = (Role.CURATOR,)
    form = CaseForm
    fields = ("set", "question", "should_find", "expected_answer", "note", "enabled")
    heading = "Questions"
    add_label = "Add a question"
    empty_hint = "A question says which documents it should find. Add one, import a file, or take them over from "
    empty_hint += "reviewed replies."
    list_display = ("asked", "finds", "answer", "on")
    list_display_links = ("asked",)
    list_filter = (("set", admin.RelatedOnlyFieldListFilter), "enabled")
    search_fields = ("question", "note")
    search_help_text = "Question or note"
    list_select_related = ("set",)
    ordering = ("pk",)
    actions = ("switch_off", "switch_on")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may(request, Role.CURATOR, Role.REVIEWER)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 (Django's signature)
        return may(request, Role.CURATOR, Role.REVIEWER)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return may(request, Role.CURATOR, Role.REVIEWER)

    @admin.display(description="Question", ordering="question")
    def asked(self, case: EvaluationCase) -> str:
        text = " ".join(case.question.split())
        return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"

    @admin.display(description="Should find")
    def finds(self, case: Any) -> SafeString:
        return render_to_string("admin/knowledge/evaluation/_wanted.html", {"wanted": case.wanted})

    @admin.display(description="Expected answer", boolean=True)
    def answer(self, case: EvaluationCase) -> bool:
        return bool(case.expected_answer)

    @admin.display(description="On", boolean=True, ordering="enabled")
    def on(self, case: EvaluationCase) -> bool:
        return case.enabled

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        response: Any = super().changelist_view(request, extra_context)
        changes = getattr(response, "context_data", {}).get("cl")
        if changes is not None:
            rows = list(changes.result_list)
            wanted = wanted_of(rows)
            for row in rows:
                row.wanted = wanted[row.pk]
            changes.result_list = rows
        return response  # type: ignore[no-any-return] # unfold ships no types

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        return super().add_view(request, form_url, {"title": "Add a question"} | (extra_context or {}))  # type: ignore[no-any-return] # unfold ships no types

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """The set that the person comes from, or the only one."""
        given: dict[str, Any] = super().get_changeform_initial_data(request)
        first = EvaluationSet.objects.first()
        return {"set": first.pk if first else None} | given

    def save_model(self, request: HttpRequest, obj: EvaluationCase, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        what = "evaluation.case_edited" if change else "evaluation.case_added"
        record_audit(actor=actor(request), action=what, target=str(obj.set), detail={"case": obj.pk})
        [wanted] = wanted_of([obj]).values()
        for thing in wanted:
            if thing.problem == "gone":
                text = f"No live document has the id “{thing.expected.document}”: runs leave it out until there is one."
                messages.warning(request, text)
            elif thing.problem:
                messages.warning(request, f"No passage of “{thing.title}” holds “{thing.expected.quote}”.")

    def response_add(self, request: HttpRequest, obj: EvaluationCase, post_url_continue: Any = None) -> HttpResponse:  # noqa: ARG002 (Django's signature)
        messages.success(request, "The question is in the set.")
        return redirect("admin:knowledge_evaluationset_change", obj.set_id)

    def delete_model(self, request: HttpRequest, obj: EvaluationCase) -> None:
        record_audit(
            actor=actor(request), action="evaluation.case_deleted", target=str(obj.set), detail={"case": obj.pk}
        )
        obj.delete()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[EvaluationCase]) -> None:
        detail: dict[str, object] = {"cases": queryset.count()}
        record_audit(actor=actor(request), action="evaluation.cases_deleted", detail=detail)
        queryset.delete()

    def get_deleted_objects(
        self,
        objs: Any,
        request: HttpRequest,  # noqa: ARG002 (Django's signature)
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Names alone: not each result of each run."""
        names = [str(found) for found in objs]
        return names, {"questions": len(names)}, set(), []

    @admin.action(description="Switch off: runs leave them out", permissions=["change"])
    def switch_off(self, request: HttpRequest, queryset: QuerySet[EvaluationCase]) -> None:
        messages.success(request, f"{queryset.update(enabled=False)} switched off.")

    @admin.action(description="Switch on", permissions=["change"])
    def switch_on(self, request: HttpRequest, queryset: QuerySet[EvaluationCase]) -> None:
        messages.success(request, f"{queryset.update(enabled=True)} switched on.")
