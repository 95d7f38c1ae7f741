"""The inbox in the admin: who is told of new conversations, and what became of each hand-over."""

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from chat.models import Handover, InboxSettings
from commerce.admin.base import OwnForm
from tenants.admin.base import ReadOnlyAdmin, TenantModelAdmin, actor
from tenants.models import Role
from tenants.services import record_audit


@admin.register(InboxSettings)
class InboxSettingsAdmin(TenantModelAdmin):
    """One row: when people answer, and who is written to."""

    heading = "Inbox"
    add_label = "Set up the inbox"
    empty_hint = "Say when your people answer, and who is written to when a customer waits for them."
    form = OwnForm
    list_display = ("__str__", "hours", "notify")
    fields = ("hours", "notify")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and not InboxSettings.objects.exists()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 (Django's signature)
        return False

    def save_model(self, request: HttpRequest, obj: InboxSettings, form: Any, change: bool) -> None:  # noqa: ARG002 (Django's signature)
        obj.save()
        record_audit(actor=actor(request), action="inbox.settings", detail={"notify": len(obj.addresses)})


@admin.register(Handover)
class HandoverAdmin(ReadOnlyAdmin):
    """Every conversation that went to people, and whether they could be written to."""

    roles: ClassVar[tuple[Role, ...]] = (Role.AGENT,)
    heading = "Hand-overs"
    empty_hint = "Conversations that go to people are listed here."
    list_display = ("created_at", "reason", "state", "taken_by", "email", "written", "thread")
    list_filter = ("state", "reason")
    fields = ("reason", "state", "taken_by", "email", "summary", "created_at", "taken_at", "ended_at", "written")
    ordering = ("-created_at",)
    list_select_related = ("taken_by", "tenant")

    @admin.display(description="E-mail to your people")
    def written(self, handover: Handover) -> str:
        """Whether the tenant's people were written to, or why not."""
        if handover.notified_at:
            return f"sent {handover.notified_at:%d %b %H:%M}"
        return f"not sent, is tried again: {handover.notify_error}" if handover.notify_error else "none"

    @admin.display(description="Conversation")
    def thread(self, handover: Handover) -> str:
        """A link to its page."""
        path = reverse("chat:inbox-conversation", args=[handover.tenant.slug, handover.conversation_id])
        return format_html('<a href="{}">Open</a>', path)
