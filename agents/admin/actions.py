"""Changes that were proposed to customers, in the admin: to look at, and to approve or refuse."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet

from agents.actions import Decided, approve, refuse
from agents.actions.signals import settled
from agents.models import Action, ActionState
from commerce.money import format_money
from tenants.access import TenantRequest
from tenants.admin.base import ReadOnlyAdmin, may
from tenants.models import Role


@admin.register(Action)
class ActionAdmin(ReadOnlyAdmin):
    """Everything is written by `agents.actions`; people only say yes or no to what waits for them."""

    roles: ClassVar[tuple[Role, ...]] = (Role.AGENT,)
    heading = "Changes"
    empty_hint = "Changes that customers were offered in the chat are listed here: cancellations, returns, complaints."
    list_display = ("proposed", "summary", "state", "customer", "money", "decided_by")
    list_display_links = ("summary",)
    list_filter = ("state", "tool")
    list_select_related = ("customer",)
    search_fields = ("summary", "customer__code", "customer__last_name", "conversation")
    search_help_text = "Summary, customer or conversation"
    ordering = ("-created_at",)
    actions = ("approve", "refuse")
    fieldsets = (
        (None, {"fields": ("summary", "state", "outcome", "customer", "money", "tool", "arguments", "result")}),
        (
            "When and who",
            {
                "fields": (
                    "conversation",
                    ("created_at", "expires_at"),
                    ("confirmed_at", "finished_at"),
                    "decided_by",
                )
            },
        ),
    )

    @admin.display(description="Proposed", ordering="created_at")
    def proposed(self, action: Action) -> Any:
        return action.created_at

    @admin.display(description="Money", ordering="amount")
    def money(self, action: Action) -> str:
        """What the customer pays; below zero what they get back."""
        currency = str(action.detail.get("currency", ""))
        return format_money(action.amount, currency) if action.amount and currency else "-"

    def has_approve_permission(self, request: TenantRequest) -> bool:
        """Asked for by the actions."""
        return may(request, Role.AGENT)

    @admin.action(description="Approve: make the change now", permissions=["approve"])
    def approve(self, request: TenantRequest, queryset: QuerySet[Action]) -> None:
        self._decide(request, [approve(action_id=pk, by=_person(request)) for pk in _ids(queryset)])

    @admin.action(description="Refuse: change nothing", permissions=["approve"])
    def refuse(self, request: TenantRequest, queryset: QuerySet[Action]) -> None:
        self._decide(request, [refuse(action_id=pk, by=_person(request)) for pk in _ids(queryset)])

    def _decide(self, request: TenantRequest, decisions: list[Decided]) -> None:
        for decided in decisions:
            if not decided.ran:
                messages.warning(request, f"{decided.action.summary} This does not wait for approval.")
                continue
            if decided.state != ActionState.RUNNING:
                settled.send(sender=Action, decided=decided)  # there is no conversation here in which to tell it
            tell = messages.error if decided.state == ActionState.FAILED else messages.success
            tell(request, decided.outcome)


def _ids(queryset: QuerySet[Action]) -> list[Any]:
    return list(queryset.order_by("created_at").values_list("pk", flat=True))


def _person(request: TenantRequest) -> Any:
    return request.user
