"""Answers that are given again, in the admin: to look at, and to drop."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet

from agents.cache.curation import drop_answers
from agents.models import CachedAnswer
from tenants.access import TenantRequest
from tenants.admin.base import ReadOnlyAdmin, actor, may
from tenants.models import Role


@admin.register(CachedAnswer)
class CachedAnswerAdmin(ReadOnlyAdmin):
    """Written by `agents.cache`; people only drop what should not be given again."""

    roles: ClassVar[tuple[Role, ...]] = (Role.CURATOR,)
    heading = "Answers given again"
    empty_hint = (
        "Answers of a language model from the documents alone are kept here and given again to the same question."
    )
    list_display = ("question", "intent", "hits", "saved", "created_at", "dropped_at")
    list_filter = ("intent", ("dropped_at", admin.EmptyFieldListFilter))
    search_fields = ("question",)
    ordering = ("-pk",)
    actions = ("drop",)
    fieldsets = ((None, {"fields": ("question", "text", "intent", "hits", "saved", "created_at", "dropped_at")}),)

    @admin.display(description="Answer")
    def text(self, row: CachedAnswer) -> str:
        return str(row.answer.get("text", ""))

    @admin.display(description="Saved")
    def saved(self, row: CachedAnswer) -> str:
        """What asking a model each time would have cost, US dollars."""
        return f"${row.cost * row.hits:,.4f}"

    def has_drop_permission(self, request: TenantRequest) -> bool:
        """Asked for by the action."""
        return may(request, Role.CURATOR)

    @admin.action(description="Drop: give it to nobody any more", permissions=["drop"])
    def drop(self, request: TenantRequest, queryset: QuerySet[Any]) -> None:
        count = drop_answers(ids=list(queryset.values_list("pk", flat=True)), actor=actor(request))
        messages.success(request, f"{count} answers dropped." if count != 1 else "One answer dropped.")
