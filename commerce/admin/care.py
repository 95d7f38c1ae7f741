"""Complaints and refunds: who waits for an answer, and what is decided."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from commerce.admin.base import OwnForm
from commerce.models import Complaint, Refund
from commerce.models.care import ComplaintStatus, RefundStatus
from commerce.services.care import set_complaint_status
from commerce.services.errors import CommerceError
from commerce.services.refunds import decide_refund
from tenants.admin.base import ReadOnlyAdmin, TenantModelAdmin, actor, may
from tenants.models import Role

TOLD = ("code", "customer", "order", "about", "kind", "text", "severity", "wanted", "created_at", "resolved_at")


class ComplaintForm(OwnForm):
    """What a person decides about a complaint."""

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        resolved = values.get("status") == ComplaintStatus.RESOLVED
        if resolved and not str(values.get("resolution", "")).strip():
            self.add_error("resolution", "Write how it was resolved: the customer reads it.")
        return values


@admin.register(Complaint)
class ComplaintAdmin(TenantModelAdmin):
    """Complaints, newest first; the answer is written on their page."""

    roles = (Role.AGENT,)
    form = ComplaintForm
    list_display = ("code", "customer", "order", "kind", "severity", "status", "created_at")
    list_filter = ("status", "severity", "kind")
    list_select_related = ("customer", "order")
    search_fields = ("code", "text", "customer__code", "customer__last_name", "customer__email", "order__code")
    search_help_text = "Number, words, customer or order"
    actions = ("take_in_hand",)
    fieldsets = ((None, {"fields": (*TOLD, "status", "resolution")}),)
    readonly_fields = TOLD

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 (Django's signature)
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 (Django's signature)
        return False

    def save_model(self, request: HttpRequest, obj: Complaint, form: Any, change: bool) -> None:  # noqa: ARG002 (Django's signature)
        status = ComplaintStatus(form.cleaned_data["status"])
        resolution = form.cleaned_data["resolution"]
        set_complaint_status(complaint=obj, status=status, resolution=resolution, actor=actor(request))

    @admin.display(description="Items")
    def about(self, complaint: Complaint) -> str:
        return ", ".join(complaint.items)

    @admin.action(description="Take in hand", permissions=["change"])
    def take_in_hand(self, request: HttpRequest, queryset: QuerySet[Complaint]) -> None:
        waiting = queryset.filter(status=ComplaintStatus.OPEN)
        for complaint in waiting:
            set_complaint_status(complaint=complaint, status=ComplaintStatus.IN_PROGRESS, actor=actor(request))
        messages.success(request, "Those that were open are in progress now.")


@admin.register(Refund)
class RefundAdmin(ReadOnlyAdmin):
    """Refunds that were asked for; each step goes through the service, which checks what is left of the payments."""

    roles = (Role.AGENT,)
    list_display = ("code", "order", "amount", "reason", "status", "created_at", "decided_at")
    list_filter = ("status",)
    list_select_related = ("order",)
    search_fields = ("code", "order__code", "reason")
    search_help_text = "Number, order or reason"
    actions = ("approve", "refuse", "pay")
    fields = ("code", "order", "amount", "reason", "method_code", "status", "created_at", "decided_at")

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """Asked for by the actions."""
        return may(request, *self.roles)

    @admin.action(description="Approve", permissions=["decide"])
    def approve(self, request: HttpRequest, queryset: QuerySet[Refund]) -> None:
        self._decide(request, queryset, RefundStatus.APPROVED)

    @admin.action(description="Refuse", permissions=["decide"])
    def refuse(self, request: HttpRequest, queryset: QuerySet[Refund]) -> None:
        self._decide(request, queryset, RefundStatus.REFUSED)

    @admin.action(description="Mark as paid", permissions=["decide"])
    def pay(self, request: HttpRequest, queryset: QuerySet[Refund]) -> None:
        self._decide(request, queryset, RefundStatus.PAID)

    @staticmethod
    def _decide(request: HttpRequest, refunds: QuerySet[Refund], decision: RefundStatus) -> None:
        for refund in refunds.select_related("order__customer"):
            try:
                decide_refund(refund=refund, decision=decision, actor=actor(request))
            except CommerceError as error:
                messages.error(request, str(error))
            else:
                messages.success(request, f"Refund {refund.code} is {decision.label.lower()}.")
