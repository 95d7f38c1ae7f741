"""Embedding models in the admin: which one searches use, and how to try, build, compare and switch to another."""

import time
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from knowledge import reembedding
from knowledge.admin.drift import drift_page
from knowledge.admin.servers import ServerForm, key_state
from knowledge.changes import record_search_change
from knowledge.embedding.base import EmbedderError, get_embedder
from knowledge.embedding.connections import OPENAI
from knowledge.embedding.serving import Definition, fresh_embedder
from knowledge.evaluation import jobs
from knowledge.evaluation.runs import create_run
from knowledge.models import ChunkVectors, EmbeddingModel, EvaluationRun, EvaluationSet, KnowledgeState
from knowledge.reembedding import CannotSwitchError
from tenants.admin.base import TenantModelAdmin, actor
from tenants.scope import tenant_scope
from tenants.services import record_audit

PAGE = "admin:knowledge_embeddingmodel_change"
TRIED = "How long may I keep what I bought before I send it back?"
SHOWN_RUNS = 6
MEASURES = ("recall@1", "recall@5", "recall@10", "mrr@10", "ndcg@10")
State = EmbeddingModel.State


class EmbeddingModelForm(ServerForm):
    """A model. Once passages have its vectors it is the same model for good, though its server may move."""

    copied = "embeddings"

    class Meta:
        model = EmbeddingModel
        fields = ("name", "base_url", "model")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "model" in self.fields:  # the installation's own is only looked at
            self.fields["model"].required = True
            self.fields["model"].help_text = "The name that its server knows it by, such as text-embedding-3-small."
            self.fields["name"].help_text = "What you call it here. Vectors are kept under this name."

    def clean_name(self) -> str:
        """A name that no other model of the tenant has, nor the installation's."""
        name = str(self.cleaned_data["name"]).strip()
        if EmbeddingModel.objects.filter(name=name).exclude(pk=self.instance.pk).exists() or name == _own_name():
            raise forms.ValidationError("Another model has this name. Vectors are told apart by it: choose a new one.")
        return name

    def clean(self) -> dict[str, Any]:
        """What the vectors were made by stays what it is."""
        values: dict[str, Any] = super().clean() or self.cleaned_data
        used = self.instance.pk and ChunkVectors.objects.filter(model=self.instance.name).exists()
        for field in ("name", "model") if used else ():
            if field in self.changed_data:
                self.add_error(
                    field, "Passages have vectors of this model already. Add the other model as one of its own."
                )
        return values


@admin.register(EmbeddingModel)
class EmbeddingModelAdmin(TenantModelAdmin):
    """The tenant's embedding models, for its owners: they pay, and answers hang on them."""

    form = EmbeddingModelForm
    heading = "Embedding models"
    add_label = "Add a model"
    empty_hint = "No other model is set up. One that is added here is tried and compared before searches use it."
    list_display = ("name", "address", "key", "dimensions", "standing")
    list_display_links = ("name",)
    ordering = ("pk",)
    actions = None
    list_before_template = "admin/knowledge/embeddingmodel/serving.html"
    change_form_outer_before_template = "admin/knowledge/embeddingmodel/standing.html"
    change_form_outer_after_template = "admin/knowledge/embeddingmodel/compare.html"
    fieldsets = ((None, {"fields": ("name", "model", "base_url", "key", "forget_key")}),)

    def get_form(self, request: Any, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The form, which lets operators name servers inside the network."""
        form = super().get_form(request, obj, change, **kwargs)
        form.operator = bool(request.user.is_superuser)
        return form

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The installation's own model is no tenant's to edit."""
        return super().has_change_permission(request, obj) and (obj is None or bool(obj.model))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nor is it anybody's to delete; its vectors can be tidied up."""
        return super().has_delete_permission(request, obj) and (obj is None or bool(obj.model))

    @admin.display(description="Address", ordering="base_url")
    def address(self, row: EmbeddingModel) -> str:
        """Where it is."""
        return row.base_url or OPENAI if row.model else "this installation"

    @admin.display(description="Key")
    def key(self, row: EmbeddingModel) -> str:
        """Whether there is one, and nothing of it."""
        return key_state(row.sealed_key)[0] if row.model else ""

    @admin.display(description="State")
    def standing(self, row: EmbeddingModel) -> SafeString:
        """How far its vectors are, with the bar while they are made."""
        return render_to_string("admin/knowledge/embeddingmodel/state.html", {"model": row, "serving": _serving()})

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        steps = {name: self._step(step) for name, step in STEPS.items()}
        own = [
            path("drift/", view(self.drift), name="embedding_drift"),
            path("<int:pk>/progress/", view(self.progress), name="embedding_progress"),
            *(path(f"<int:pk>/{name}/", view(step), name=f"embedding_{name}") for name, step in steps.items()),
            path("<int:pk>/try/", view(self.try_it), name="embedding_try"),
            path("<int:pk>/tidy/", view(self.tidy), name="embedding_tidy"),
        ]
        return [*own, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The list, with the installation's own model in it as soon as there is another one."""
        context = dict(extra_context or {})
        if self.has_view_permission(request):
            if EmbeddingModel.objects.exists():
                _own_row()
            context |= {"serving": _serving(), "behind": reembedding.is_behind()}
        return super().changelist_view(request, context)  # type: ignore[no-any-return] # unfold ships no types

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The form, what can be done with the model, and how it compares."""
        row = self.get_object(request, object_id)
        context = dict(extra_context or {})
        if row is not None and self.has_view_permission(request, row):
            context |= _context(row)
        return super().change_view(request, object_id, form_url, context)  # type: ignore[no-any-return] # unfold ships no types

    def progress(self, request: HttpRequest, pk: int) -> HttpResponse:
        """How far it is, as a piece that htmx puts in its place; the whole page once it has ended."""
        row = self._row(request, pk)
        context = {"model": row, "serving": _serving()}
        response = render(request, "admin/knowledge/embeddingmodel/state.html", context)
        if row.state != State.BUILDING:
            response["HX-Refresh"] = "true"
        return response

    def drift(self, request: HttpRequest) -> HttpResponse:
        """How questions and documents have moved of late."""
        return drift_page(request, self.admin_site.each_context(request), _serving())

    @method_decorator(require_POST)
    def try_it(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Asks for one vector and tells what came; once the scope is closed, since a server may take its time."""
        row, page = self._row(request, pk), redirect(PAGE, pk)

        def tried() -> HttpResponse:
            try:
                _try(request, row)
            except EmbedderError as error:
                messages.error(request, str(error))
            return page

        request.after_scope = tried  # type: ignore[attr-defined] # the middleware's
        return page

    def tidy(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Delete its vectors, after a question whether that is meant."""
        row = self._row(request, pk)
        if request.method == "POST":
            return self._step(_tidy)(request, pk)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Delete the vectors of {row}",
            "model": row,
            "count": ChunkVectors.objects.filter(model=row.name).count(),
        }
        return render(request, "admin/knowledge/embeddingmodel/tidy.html", context)

    def _row(self, request: HttpRequest, pk: int) -> EmbeddingModel:
        if not super().has_change_permission(request):
            raise PermissionDenied
        row: EmbeddingModel = get_object_or_404(EmbeddingModel.objects, pk=pk)
        return row

    def _step(self, step: Callable[[HttpRequest, EmbeddingModel], None]) -> Callable[..., HttpResponse]:
        """A view that does something with a model and tells above its page what came of it."""

        @require_POST
        def view(request: HttpRequest, pk: int) -> HttpResponse:
            row = self._row(request, pk)
            try:
                with transaction.atomic():
                    step(request, row)
            except (CannotSwitchError, EmbedderError) as error:
                messages.error(request, str(error))
            return redirect(PAGE, pk)

        return view

    def save_model(self, request: Any, obj: EmbeddingModel, form: Any, change: bool) -> None:
        """Save it; the audit trail names the fields that changed, never what the key is."""
        super().save_model(request, obj, form, change)
        action = "embedding.edited" if change else "embedding.added"
        detail = {"address": obj.base_url or OPENAI, "fields": form.changed_data}
        record_audit(actor=actor(request), action=action, target=obj.name, detail=detail)
        record_search_change()

    def response_add(self, request: HttpRequest, obj: EmbeddingModel, post_url_continue: Any = None) -> HttpResponse:
        """Lead to its page, where it can be tried."""
        del post_url_continue
        messages.success(request, f"{obj} was added. Try it, then embed all passages.")
        return redirect(PAGE, obj.pk)

    def delete_model(self, request: HttpRequest, obj: EmbeddingModel) -> None:
        """Delete it and its vectors."""
        reembedding.delete(obj, actor=actor(request))

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """One that serves stays; it is said why."""
        row = self.get_object(request, object_id)
        if row is not None and row.name == _serving():
            messages.error(request, f"{row} serves. Switch to another model before it is deleted.")
            return redirect(PAGE, row.pk)
        return super().delete_view(request, object_id, extra_context)  # type: ignore[no-any-return] # unfold ships no types

    def get_deleted_objects(self, objs: QuerySet[EmbeddingModel], request: HttpRequest) -> Any:  # noqa: ARG002 (Django's signature)
        names = [str(row) for row in objs]
        return names, {"embedding models": len(names)}, set(), []


def _try(request: HttpRequest, row: EmbeddingModel) -> None:
    """Asks for one vector, and keeps how long it is."""
    started = time.perf_counter()
    vector = fresh_embedder(Definition.of(row)).encode_query(TRIED).vector
    milliseconds = (time.perf_counter() - started) * 1000
    with tenant_scope(row.tenant_id):
        fresh = EmbeddingModel.objects.filter(pk=row.pk, dimensions=None)
        if fresh.update(dimensions=len(vector), changed_at=timezone.now()):
            record_search_change()
    messages.success(request, f"{row} answers: a vector of {len(vector)} numbers after {milliseconds:.0f} ms.")


def _build(request: HttpRequest, row: EmbeddingModel) -> None:
    reembedding.begin(row, actor=actor(request))
    messages.success(request, "Passages are embedded in the background. Documents that are added meanwhile go first.")


def _cancel(request: HttpRequest, row: EmbeddingModel) -> None:
    if reembedding.cancel(row, actor=actor(request)):
        messages.success(request, "Stopped. What was made is kept; going on later makes the rest.")


def _switch(request: HttpRequest, row: EmbeddingModel) -> None:
    if reembedding.switch(row, actor=actor(request)) is None:
        messages.success(request, f"Searches use {row} from now on.")
    else:
        messages.success(request, "Your evaluation set is being asked. The switch follows if nothing gets worse.")


def _tidy(request: HttpRequest, row: EmbeddingModel) -> None:
    count = reembedding.tidy(row, actor=actor(request))
    messages.success(request, f"The vectors of {count} passage{'' if count == 1 else 's'} were deleted.")


def _compare(request: HttpRequest, row: EmbeddingModel) -> None:
    """Asks a set of the model that serves and of this one."""
    chosen = request.POST.get("set", "")
    evaluation_set = EvaluationSet.objects.filter(pk=int(chosen)).first() if chosen.isdecimal() else None
    if evaluation_set is None:
        messages.error(request, "Choose an evaluation set.")
        return
    if row.state != State.READY:
        raise CannotSwitchError(f"Not every passage has vectors of {row} yet. Embed all passages first.")
    for label, candidate in ((_serving(), {}), (row.name, {"embedding": row.name})):
        run = create_run(
            evaluation_set=evaluation_set, candidate=candidate, label=label, with_answers=False, actor=actor(request)
        )
        jobs.enqueue(run.tenant_id, run.pk)
    messages.success(request, "Both models are being asked. The comparison is below in a moment.")


STEPS = {"build": _build, "cancel": _cancel, "switch": _switch, "compare": _compare}


def _context(row: EmbeddingModel) -> dict[str, Any]:
    serving = _serving()
    before = reembedding.before_this()
    return {
        "model": row,
        "serving": serving,
        "serves": row.name == serving,
        "switches_back": row.name == before,
        "vectors": ChunkVectors.objects.filter(model=row.name).exists(),
        "sets": list(EvaluationSet.objects.all()),
        "measures": ["Recall@1", "Recall@5", "Recall@10", "MRR@10", "nDCG@10"],
        "pairs": [
            (before, after, [(before.label, before, _values(before)), (row.name, after, _values(after))])
            for before, after in _pairs(row)
        ],
    }


def _values(run: EvaluationRun) -> list[float | None]:
    return [run.metrics.get(measure) for measure in MEASURES]


def _pairs(row: EmbeddingModel) -> list[tuple[EvaluationRun, EvaluationRun]]:
    """The last runs of this model, each with the run of what served that was begun with it."""
    runs = EvaluationRun.objects.filter(candidate={"embedding": row.name}).select_related("set")[:SHOWN_RUNS]
    found = []
    for run in runs:
        plain = EvaluationRun.objects.filter(set=run.set_id, candidate={}, pk__lt=run.pk).order_by("-pk").first()
        if plain is not None:
            found.append((plain, run))
    return found


def _serving() -> str:
    return KnowledgeState.objects.values_list("embedding", flat=True).first() or _own_name()


def _own_name() -> str:
    try:
        return get_embedder().name
    except EmbedderError:
        return ""


def _own_row() -> None:
    try:
        reembedding.own_row()
    except EmbedderError:
        return
