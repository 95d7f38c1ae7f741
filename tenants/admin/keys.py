"""API keys: made here, shown once, revoked here."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from tenants.admin.base import TenantModelAdmin, actor
from tenants.models import ApiKey
from tenants.services import create_api_key, revoke_api_key


@admin.register(ApiKey)
class ApiKeyAdmin(TenantModelAdmin):
    """The text of a key is in the one response that makes it, and nowhere else."""

    list_display = ("name", "prefix", "created_at", "last_used_at", "revoked_at")
    empty_hint = "A key lets a program use Askwell in the name of this tenant. Make one for each program."
    fieldsets = (
        (
            None,
            {
                "fields": ("name",),
                "description": "Name the program that the key is for. The key itself is shown once, on the next page.",
            },
        ),
    )
    actions = ("revoke",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 (Django's signature)
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 (Django's signature)
        return False

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Asked for by the action."""
        return self.has_add_permission(request)

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:  # noqa: ARG002 (Django's signature)
        key, text = create_api_key(name=obj.name, actor=actor(request))
        obj.pk, obj.prefix, obj.text = key.pk, key.prefix, text  # type: ignore[attr-defined] # for response_add alone

    def response_add(self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None) -> HttpResponse:  # noqa: ARG002 (Django's signature)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "A new key",
            "key": obj,
            "text": obj.text,  # type: ignore[attr-defined] # see save_model
        }
        return TemplateResponse(request, "admin/tenants/apikey/created.html", context)

    @admin.action(description="Revoke the selected keys", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        for key in queryset:
            revoke_api_key(key=key, actor=actor(request))
        messages.success(request, "The keys no longer open anything.")
