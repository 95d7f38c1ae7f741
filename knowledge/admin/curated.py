"""Curated answers in the admin: what curators write for certain questions, and who would get it."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from unfold import widgets

from knowledge import curation
from knowledge.embedding.base import EmbedderError
from knowledge.embedding.serving import serving_embedder
from knowledge.models import CuratedAnswer
from knowledge.retrieval.policy import policies
from tenants.admin.base import TenantModelAdmin, actor
from tenants.admin.fields import LinesField, OwnForm
from tenants.models import Role

MAX_QUESTION = 500  # characters that are tried
Deleted = tuple[list[str], dict[str, int], set[str], list[str]]  # what Django's pages of confirmation show
PREFILLED = ("question", "answer")  # what a link to the form may bring


class CuratedAnswerForm(OwnForm):
    """An answer and the ways in which customers ask for it."""

    questions = LinesField(
        label="How customers ask",
        required=True,
        widget=widgets.UnfoldAdminTextareaWidget(attrs={"rows": 5}),
        help_text="One wording a line; the first is the title. Others that mean the same are recognised, but the more "
        "wordings there are, the surer.",
    )
    answer = forms.CharField(
        widget=widgets.UnfoldAdminTextareaWidget(attrs={"rows": 10}),
        max_length=curation.MAX_ANSWER,
        help_text="Given word for word where no language model writes. Markdown is fine.",
    )

    class Meta:
        model = CuratedAnswer
        fields = ("questions", "answer", "enabled")
        labels = {"enabled": "In use"}

    def clean(self) -> dict[str, Any]:
        """What can be kept."""
        values: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                values["questions"] = curation.checked_questions(values["questions"])
            except ValidationError as error:
                self.add_error("questions", error)
        return values


@admin.register(CuratedAnswer)
class CuratedAnswerAdmin(TenantModelAdmin):
    """What curators see of their answers. Everything that changes goes through `knowledge.curation`."""

    roles = (Role.CURATOR,)
    form = CuratedAnswerForm
    heading = "Curated answers"
    add_label = "Write an answer"
    empty_hint = "An answer in your own words, for questions that must be answered just so. It comes before all else."
    list_display = ("__str__", "wordings", "enabled", "page", "changed_at")
    list_filter = ("enabled",)
    search_fields = ("questions", "answer")
    list_before_template = "admin/knowledge/curatedanswer/try.html"
    fieldsets = ((None, {"fields": ("questions", "answer", "enabled")}),)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("document")

    @admin.display(description="Wordings")
    def wordings(self, row: CuratedAnswer) -> int:
        return len(row.questions)

    @admin.display(description="Document")
    def page(self, row: CuratedAnswer) -> str:
        """Where its versions are, and whether it is live."""
        url = reverse("admin:knowledge_document_change", args=[row.document_id])
        return format_html('<a href="{}">{}</a>', url, row.document.get_state_display())

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, str]:
        """What a link brings along, from a review for example."""
        given = {name: request.GET.get(name, "").replace("\x00", "")[: curation.MAX_ANSWER] for name in PREFILLED}
        return {"questions": given["question"], "answer": given["answer"], "enabled": "on"}

    def changelist_view(self, request: Any, extra_context: Any = None) -> Any:
        """The list, and who would get the question in the address."""
        request.GET = request.GET.copy()
        question = "".join(request.GET.pop("try", [""]))[:MAX_QUESTION].replace("\x00", "").strip()
        context = {**(extra_context or {}), "question": question}
        if question and self.has_view_permission(request):
            context |= _tried(request, question)
        return super().changelist_view(request, context)

    def save_model(self, request: HttpRequest, obj: CuratedAnswer, form: Any, change: bool) -> None:
        values = form.cleaned_data
        row = curation.save_answer(
            questions=values["questions"],
            answer=values["answer"],
            enabled=values["enabled"],
            actor=actor(request),
            curated=CuratedAnswer.objects.select_related("document").get(pk=obj.pk) if change else None,
        )
        obj.pk, obj.document = row.pk, row.document

    def delete_model(self, request: HttpRequest, obj: CuratedAnswer) -> None:
        curation.delete_answers([obj], actor=actor(request))

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        curation.delete_answers(queryset, actor=actor(request))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Deleted:  # noqa: ARG002 (Django's signature)
        names = [str(row) for row in objs]  # the documents go with them
        return names, {"curated answers": len(names)}, set(), []


def _tried(request: HttpRequest, question: str) -> dict[str, Any]:
    """What a customer would be answered: by which curated answer, if by any."""
    tenant = request.tenant  # type: ignore[attr-defined] # the middleware's
    policy = policies.load(tenant.pk)
    try:
        embedder = serving_embedder(tenant.pk)
        vector, model = embedder.encode_query(question).vector, embedder.name
    except EmbedderError:
        vector, model = None, ""
    found = policy.curated.match(question, tenant.language, vector, model)
    row = CuratedAnswer.objects.select_related("document").filter(pk=found.curated).first() if found else None
    return {"tried": True, "found": found, "row": row, "by_words": vector is None or policy.curated.model != model}
