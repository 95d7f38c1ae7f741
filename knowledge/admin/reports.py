"""What curators are told unasked: questions that no document answers, and documents to look at."""

from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from knowledge import alerts, gaps
from knowledge.models import Gap, KnowledgeAlert, ReportSettings
from knowledge.rechecking import AT_MOST
from tenants.admin.base import ReadOnlyAdmin, SingleRowAdmin, actor
from tenants.models import Role

PER_PAGE = 25
STATES = {"open": "Open", "written": "Answered", "dismissed": "Dismissed"}


@dataclass(frozen=True, slots=True)
class Shown:
    """A gap as the page shows it: its words, and how many questions are of the last 28 days and of those before."""

    gap: Gap
    words: list[str]
    recent: int
    before: int


class _Report(ReadOnlyAdmin):
    """A list with a page of its own; what its buttons send comes back to it."""

    roles = (Role.CURATOR,)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:  # noqa: ARG002 (Django's signature)
        """The page, or what a button on it asks for."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            self.act(request)
            return redirect(request.get_full_path())
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": self.heading}
        return self.page(request, context)

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:  # noqa: ARG002 (Django's signature)
        """There is no page for one row: the list."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")

    def act(self, request: HttpRequest) -> None:
        """What a button asks for."""
        raise NotImplementedError

    def page(self, request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
        """The page."""
        raise NotImplementedError

    def row(self, request: HttpRequest, name: str) -> Any:
        """The row whose id a button sends; 404 for one that is gone."""
        value = request.POST.get(name, "")
        return get_object_or_404(self.model.objects, pk=int(value) if value.isascii() and value.isdigit() else 0)


@admin.register(Gap)
class GapAdmin(_Report):
    """What customers ask for and no document says."""

    heading = "Gaps"

    def page(self, request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
        """The gaps of a state, those first that most customers ask for."""
        state = request.GET.get("is", "open")
        state = state if state in STATES else "open"
        found = Gap.objects.filter(state=state).select_related("document").defer("centre")
        pages = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
        words = gaps.characteristic_words(list(pages.object_list))
        shown = [Shown(gap, words[gap.pk], *gaps.recent_counts(gap)) for gap in pages.object_list]
        looked = ReportSettings.objects.values_list("looked_until", flat=True).first()
        context |= {"state": state, "states": STATES, "pages": pages, "gaps": shown, "looked": looked}
        return render(request, "admin/knowledge/report/gaps.html", context)

    def act(self, request: HttpRequest) -> None:
        """Look again, dismiss, or take back."""
        if "_refresh" in request.POST:
            gaps.enqueue_refresh(request.tenant.pk)  # type: ignore[attr-defined] # the middleware's
            messages.success(request, "The latest questions are being looked at. Reload the page in a moment.")
        elif "_dismiss" in request.POST:
            gaps.dismiss(self.row(request, "_dismiss"), actor=actor(request))
            messages.success(request, "Dismissed: it does not come back by itself.")
        elif "_reopen" in request.POST:
            gaps.reopen(self.row(request, "_reopen"), actor=actor(request))
            messages.success(request, "It is on the list again.")


@admin.register(KnowledgeAlert)
class KnowledgeAlertAdmin(_Report):
    """Documents that end, age, are rated badly, or whose source has moved on."""

    heading = "Alerts"

    def page(self, request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
        """The alerts that nobody has settled."""
        pages = Paginator(alerts.open_alerts(), PER_PAGE).get_page(request.GET.get("page"))
        context |= {"pages": pages, "settings": alerts.settings_now(), "at_most": AT_MOST}
        return render(request, "admin/knowledge/report/alerts.html", context)

    def act(self, request: HttpRequest) -> None:
        """Settle one."""
        if "_settle" in request.POST and alerts.settle(self.row(request, "_settle"), actor=actor(request)):
            messages.success(request, "Settled. It comes back only if something about it changes.")


@admin.register(ReportSettings)
class ReportSettingsAdmin(SingleRowAdmin):
    """What curators want to be told of."""

    roles = (Role.CURATOR,)
    audit_target = "reports"
    heading = "What to be told of"
    fields = ("ends_days", "old_days", "check_sources")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save it, and look at the dates by it at once."""
        super().save_model(request, obj, form, change)
        alerts.look_at_dates()
