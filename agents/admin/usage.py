"""What models may cost and did cost, in the admin: the budgets, and each request. For owners alone."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet

from agents import budgets
from agents.budgets import Level
from agents.models import Budget, ModelCall
from commerce.admin.base import OwnForm
from tenants.admin.base import ReadOnlyAdmin, TenantModelAdmin, actor
from tenants.services import record_audit

SAID = {
    Level.WARN: "The warning mark of a budget is passed.",
    Level.ECONOMISE: "A budget is nearly spent: only the primary model is asked until its period ends.",
    Level.STOP: "A budget is spent: no model is asked until its period ends; answers are quotes of the documents.",
}


def tell_level(request: Any) -> None:
    """Say on a page of the admin what the budgets forbid, if anything."""
    level = budgets.current_level()
    if level in SAID:
        tell = messages.error if level == Level.STOP else messages.warning
        tell(request, SAID[level])


@admin.register(Budget)
class BudgetAdmin(TenantModelAdmin):
    """At most two rows: of the day and of the month."""

    form = OwnForm
    heading = "Budgets"
    empty_hint = "Without a budget models may cost whatever they cost. Add one for the day, the month, or both."
    list_display = ("period", "amount", "spent", "warn_percent", "degrade_percent")
    fields = ("period", "amount", "warn_percent", "degrade_percent")
    ordering = ("period",)

    @admin.display(description="Spent")
    def spent(self, budget: Budget) -> str:
        """US dollars of the period that runs."""
        return f"${budgets.spending().of(budget):,.4f}"

    def changelist_view(self, request: Any, extra_context: Any = None) -> Any:
        """The list, and what the budgets forbid."""
        if request.method == "GET" and self.has_view_permission(request):
            tell_level(request)
        return super().changelist_view(request, extra_context)

    def save_model(self, request: Any, obj: Budget, form: Any, change: bool) -> None:  # noqa: ARG002 (Django's signature)
        budgets.change_budget(budget=obj, actor=actor(request), fields=form.changed_data)

    def delete_model(self, request: Any, obj: Budget) -> None:
        record_audit(actor=actor(request), action="budget.removed", target=str(obj))
        obj.delete()

    def delete_queryset(self, request: Any, queryset: QuerySet[Budget]) -> None:
        for budget in queryset:
            self.delete_model(request, budget)


@admin.register(ModelCall)
class ModelCallAdmin(ReadOnlyAdmin):
    """One row for each request to a provider, whatever became of it."""

    heading = "Requests to models"
    empty_hint = "Each request to a language model is kept here: what for, how long it took, and what it cost."
    list_display = ("created_at", "feature", "provider", "model", "tokens", "price", "outcome", "first", "took")
    list_filter = ("feature", "provider", "model", "outcome", "estimated", "priced", "created_at")
    search_fields = ("conversation", "reply", "customer", "intent", "model")
    search_help_text = "Conversation, reply, customer, intent or model"
    ordering = ("-created_at", "-pk")
    fieldsets = (
        (None, {"fields": ("created_at", "feature", "provider", "model", "outcome", "status")}),
        ("Cost", {"fields": ("prompt_tokens", "completion_tokens", "estimated", "cost", "priced")}),
        ("Time", {"fields": ("first_ms", "total_ms")}),
        ("Whose", {"fields": ("conversation", "reply", "customer", "intent")}),
    )

    def changelist_view(self, request: Any, extra_context: Any = None) -> Any:
        """The list, and what the budgets forbid."""
        if self.has_view_permission(request):
            tell_level(request)
        return super().changelist_view(request, extra_context)

    @admin.display(description="Tokens")
    def tokens(self, call: ModelCall) -> str:
        """Read and written."""
        return f"{'about ' if call.estimated else ''}{call.prompt_tokens:,} + {call.completion_tokens:,}"

    @admin.display(description="Cost", ordering="cost")
    def price(self, call: ModelCall) -> str:
        """US dollars; a model without prices costs nobody knows what."""
        return f"${call.cost:.6f}" if call.priced else "no price"

    @admin.display(description="First words", ordering="first_ms")
    def first(self, call: ModelCall) -> str:
        """Milliseconds to the first piece of content."""
        return "-" if call.first_ms is None else f"{call.first_ms:,.0f} ms"

    @admin.display(description="Took", ordering="total_ms")
    def took(self, call: ModelCall) -> str:
        """Milliseconds in all."""
        return f"{call.total_ms:,.0f} ms"
