"""The list of documents, the page of one document with its passages, and the page that adds more."""

import re
from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from knowledge import gaps, rereading, services
from knowledge.admin.adding import add_from_form
from knowledge.admin.forms import AddDocumentsForm, MetadataForm
from knowledge.admin.overview import STANDINGS
from knowledge.models import Chunk, Document, DocumentVersion, Gap
from knowledge.queries import documents_overview, today
from knowledge.releasing import gate_is_on
from tenants.admin.base import TenantModelAdmin, actor
from tenants.models import Role

PASSAGES_PER_PAGE = 25
MAX_WATCHED = 200  # documents that one request for progress asks about
ID = re.compile(r"[0-9]{1,18}")
Deleted = tuple[list[str], dict[str, int], set[str], list[str]]  # what Django's pages of confirmation show


class StateFilter(admin.SimpleListFilter):
    """Documents by what a curator wants to do about them."""

    title = "state"
    parameter_name = "is"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002 (Django's signature)
        return [(name, standing.label) for name, standing in STANDINGS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002 (Django's signature)
        standing = STANDINGS.get(self.value() or "")
        return queryset.filter(standing.condition) if standing else queryset


@admin.register(Document)
class DocumentAdmin(TenantModelAdmin):
    """What curators see of documents. Everything that changes goes through `knowledge.services`."""

    roles = (Role.CURATOR,)
    form = MetadataForm
    list_display = ("name", "external_id", "status", "spoken", "category", "changed")
    list_display_links = ("name",)
    list_filter = (StateFilter, "language", "category", "audience", "product")
    search_fields = ("title", "external_id", "category", "source_url")
    search_help_text = "Title, id, category or address"
    add_label = "Add documents"
    empty_hint = "Answers come from documents alone. Add the first ones: files, web addresses or texts."
    ordering = ("-updated_at", "-pk")
    actions = ("archive", "restore", "reread")
    list_before_template = "admin/knowledge/document/watch_list.html"
    change_form_outer_before_template = "admin/knowledge/document/standing.html"
    change_form_outer_after_template = "admin/knowledge/document/passages.html"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "title",
                    "language",
                    "category",
                    "audience",
                    "product",
                    "source_url",
                    ("valid_from", "valid_until"),
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Document]:  # noqa: ARG002 (Django's signature)
        return documents_overview().order_by(*self.ordering)

    @admin.display(description="State")
    def status(self, document: Document) -> SafeString:
        return state_cell(document)

    # What reading a document may change stands in a place of its own, where `progress` puts it anew.
    @admin.display(description="Document", ordering="title")
    def name(self, document: Document) -> SafeString:
        return format_html('<span id="name-{}">{}</span>', document.pk, document)

    @admin.display(description="Language", ordering="language")
    def spoken(self, document: Document) -> SafeString:
        return format_html('<span id="language-{}">{}</span>', document.pk, document.language or "-")

    @admin.display(description="Changed", ordering="updated_at")
    def changed(self, document: Document) -> SafeString:
        return format_html('<span class="num" id="changed-{}">{}</span>', document.pk, _changed(document))

    def get_urls(self) -> list[URLPattern]:
        own = [
            path("progress/", self.admin_site.admin_view(self.progress), name="knowledge_progress"),
            path("reread/", self.admin_site.admin_view(self.reread_older), name="knowledge_reread_older"),
            path("<int:pk>/reread/", self.admin_site.admin_view(self.reread_one), name="knowledge_reread"),
            path("passages/<int:pk>/", self.admin_site.admin_view(self.switch_passage), name="knowledge_passage"),
        ]
        return [*own, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        response: Any = super().changelist_view(request, extra_context)
        changes = getattr(response, "context_data", {}).get("cl")
        if changes is not None:
            response.context_data["watched"] = _watched(changes.result_list)
            if self.has_change_permission(request):
                response.context_data["older"] = rereading.older_documents().count()
        return response  # type: ignore[no-any-return] # unfold ships no types

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:  # noqa: ARG002 (Django's signature)
        if not self.has_add_permission(request):
            raise PermissionDenied
        gap = gap_of(request)
        form = AddDocumentsForm(request.POST or None, request.FILES or None, initial=gaps.article(gap) if gap else None)
        if request.method == "POST" and form.is_valid():
            added = add_from_form(request, form)
            if gap and added:
                gaps.note_article(gap, added[0].document, actor=actor(request))
            return HttpResponseRedirect(reverse("admin:knowledge_document_changelist"))
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": "Add documents", "form": form}
        context["gap"] = gap
        return render(request, "admin/knowledge/document/add.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        document = self.get_object(request, object_id)
        context = extra_context or {}
        if document is not None:
            context |= _document_context(document, request.GET.get("passages", "1"))
        return super().change_view(request, object_id, form_url, context)  # type: ignore[no-any-return] # unfold ships no types

    def save_model(self, request: HttpRequest, obj: Document, form: Any, change: bool) -> None:  # noqa: ARG002 (Django's signature)
        if services.set_metadata(obj, form.cleaned_data, actor=actor(request)) and "title" in form.changed_data:
            messages.info(request, "The title is part of what is searched, so the document is being read again.")

    def delete_model(self, request: HttpRequest, obj: Document) -> None:
        services.delete([obj], actor=actor(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Document]) -> None:
        services.delete(list(queryset), actor=actor(request))

    def get_deleted_objects(self, objs: Iterable[Document], request: HttpRequest) -> Deleted:  # noqa: ARG002 (Django's signature)
        names = [str(document) for document in objs]  # and not each of their passages
        return names, {"documents": len(names)}, set(), []

    @admin.action(description="Archive: no longer use in answers", permissions=["change"])
    def archive(self, request: HttpRequest, queryset: QuerySet[Document]) -> None:
        count = services.archive(queryset, actor=actor(request))
        messages.success(request, f"{count} archived: answers no longer use them. Restore them at any time.")

    @admin.action(description="Publish: use in answers (again)", permissions=["change"])
    def restore(self, request: HttpRequest, queryset: QuerySet[Document]) -> None:
        count = services.restore(queryset, actor=actor(request))
        when = "as soon as their release has been checked" if gate_is_on() and count else "now"
        messages.success(request, f"{count} in use {when}.")

    @admin.action(description="Read again", permissions=["change"])
    def reread(self, request: HttpRequest, queryset: QuerySet[Document]) -> None:
        count = len(services.reread(queryset, actor=actor(request)))
        messages.success(request, f"{count} being read again. What is live stays so until that has worked.")

    @method_decorator(require_POST)
    def reread_one(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Reads one document again: the retry button, and the button on its page."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        document: Document = get_object_or_404(Document.objects, pk=pk)
        services.reread([document], actor=actor(request))
        if request.headers.get("HX-Request"):
            return self._pieces(request, [pk], "again.html")
        return HttpResponseRedirect(reverse("admin:knowledge_document_change", args=[pk]))

    @method_decorator(require_POST)
    def reread_older(self, request: HttpRequest) -> HttpResponse:
        """Has all documents read again that an earlier edition of the readers has read."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        rereading.ask(request.tenant.pk, actor=actor(request))  # type: ignore[attr-defined] # the middleware's
        messages.success(request, "They are read again in the background. What is live stays so until that has worked.")
        return HttpResponseRedirect(reverse("admin:knowledge_document_changelist"))

    def progress(self, request: HttpRequest) -> HttpResponse:
        """The states of the documents in `ids`, as pieces that htmx puts in their places."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        ids = [int(part) for part in request.GET.get("ids", "").split(",") if ID.fullmatch(part)]
        return self._pieces(request, ids[:MAX_WATCHED], "progress.html")

    def _pieces(self, request: HttpRequest, ids: list[int], template: str) -> HttpResponse:
        documents: list[Any] = list(documents_overview().filter(pk__in=ids))
        for document in documents:
            document.cells = {"name": document, "language": document.language or "-", "changed": _changed(document)}
        context = {"documents": documents, "watched": _watched(documents), "in_list": "list" in request.GET}
        return render(request, f"admin/knowledge/document/{template}", context | {"today": today()})

    @method_decorator(require_POST)
    def switch_passage(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Switches one passage on or off."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        chunk = get_object_or_404(Chunk.objects.select_related("document"), pk=pk)
        services.set_chunk_enabled(chunk, enabled="on" in request.POST, actor=actor(request))
        chunk.refresh_from_db()
        if request.headers.get("HX-Request"):
            return render(request, "admin/knowledge/document/passage.html", {"chunk": chunk, "may_change": True})
        return HttpResponseRedirect(reverse("admin:knowledge_document_change", args=[chunk.document_id]))


def gap_of(request: HttpRequest) -> Gap | None:
    """The gap that an article is to be written for, as the address says; None for anything else."""
    value = request.GET.get("gap", "")
    gap: Gap | None = Gap.objects.filter(pk=int(value)).first() if ID.fullmatch(value) else None
    return gap


def state_cell(document: Document) -> SafeString:
    """The state of a document of `documents_overview` in the list, with its bar while it is read, or why it failed."""
    context = {"document": document, "today": today(), "in_list": True}
    return render_to_string("admin/knowledge/document/state.html", context)


def _changed(document: Document) -> str:
    return date_format(document.updated_at, "j M Y H:i")


def _watched(documents: Iterable[Any]) -> str:
    """The ids of the documents that are being read, as the address of `progress` has them."""
    return ",".join(str(document.pk) for document in documents if document.newest_state in DocumentVersion.IN_WORK)


def _document_context(document: Document, page: str) -> dict[str, Any]:
    versions = DocumentVersion.objects.filter(document=document).defer("markdown", "pages")
    chunks = Chunk.objects.filter(version=document.current_id).select_related("document").order_by("ordinal")
    return {
        "document": document,
        "watched": _watched([document]),
        "today": today(),
        "versions": list(versions[:20]),
        "passages": Paginator(chunks, PASSAGES_PER_PAGE).get_page(page),
    }
