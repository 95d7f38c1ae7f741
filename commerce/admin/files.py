"""The page that takes files in and gives them out: a table of what its list shows, and for owners the whole shop."""

import json
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from unfold.widgets import UnfoldAdminFileFieldWidget

from commerce.exchange import Imported, ImportRefused, export_shop, export_table, import_shop, import_table
from tenants.admin.base import TenantModelAdmin, actor, may

MAX_BYTES = 50_000_000
SHOWN = 50  # errors or notes


class FileForm(forms.Form):
    """A file with a table or a whole shop."""

    file = forms.FileField(label="File", widget=UnfoldAdminFileFieldWidget(), help_text="CSV or JSON, up to 50 MB.")

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > MAX_BYTES:
            raise forms.ValidationError("The file is larger than 50 MB: use manage.py import_commerce.")
        return file


class FilesAdmin(TenantModelAdmin):
    """A list with a page for files; `table` is the table of `commerce.exchange` that it shows."""

    table = ""
    list_before_template = "admin/commerce/files_link.html"

    def get_urls(self) -> list[URLPattern]:
        name = f"commerce_{self.table}"
        own = [
            path("files/", self.admin_site.admin_view(self.files), name=f"{name}_files"),
            path("files/<str:name>", self.admin_site.admin_view(self.download), name=f"{name}_download"),
        ]
        return [*own, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        link = reverse(f"admin:commerce_{self.table}_files")
        response: HttpResponse = super().changelist_view(request, {"files_link": link, **(extra_context or {})})
        return response

    def files(self, request: HttpRequest) -> HttpResponse:
        """Takes a file in, or says what is wrong with it."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        form = FileForm(request.POST or None, request.FILES or None)
        errors: list[str] = []
        if request.method == "POST" and form.is_valid():
            try:
                self._tell(request, self._take(request, form.cleaned_data["file"]))
                return HttpResponseRedirect(reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"))
            except ImportRefused as refused:
                errors = refused.errors
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Import and export",
            "form": form,
            "errors": errors[:SHOWN],
            "more": max(len(errors) - SHOWN, 0),
            "table": self.table,
            "download": f"admin:commerce_{self.table}_download",
            "whole_shop": may(request),
        }
        return render(request, "admin/commerce/files.html", context)

    def download(self, request: HttpRequest, name: str) -> HttpResponse:
        """The table as CSV, or for owners the whole shop as JSON."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if name == f"{self.table}.csv":
            # The mark at the front tells spreadsheets that the text is in UTF-8.
            response = HttpResponse(f"\ufeff{export_table(self.table)}", content_type="text/csv; charset=utf-8")
        elif name == "shop.json" and may(request):
            text = json.dumps(export_shop(), ensure_ascii=False, indent=1)
            response = HttpResponse(text, content_type="application/json")
        else:
            raise Http404("No such file")
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return response

    def _take(self, request: HttpRequest, file: Any) -> Imported:
        data: bytes = file.read()
        if not str(file.name).lower().endswith(".json"):
            return import_table(self.table, data, actor=actor(request))
        if not may(request):
            raise ImportRefused(["A whole shop is taken in by an owner: a JSON file holds customers and orders, too."])
        try:
            return import_shop(json.loads(data), actor=actor(request))
        except (ValueError, RecursionError) as error:
            raise ImportRefused([f"The file is not JSON: {error}"]) from error

    @staticmethod
    def _tell(request: HttpRequest, imported: Imported) -> None:
        counts = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in imported.counts.items() if count)
        messages.success(request, f"Imported {counts or 'nothing: the file has no rows'}.")
        for warning in imported.warnings[:SHOWN]:
            messages.warning(request, warning)
