"""Tenants: operators make them, owners set up their own. And the audit trail of the tenant that the admin shows."""

import json
from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from unfold.widgets import UnfoldAdminTextareaWidget

from tenants.admin.base import ReadOnlyAdmin, TenantModelAdmin, actor, may
from tenants.models import FIRST_TIER, AuditEvent, RateTier, Role, Tenant
from tenants.services import record_audit

OFFER = ("title", "detail", "question")
OPERATORS_FIELDS = ("slug", "host", "tier", "active")  # what owners may read but not change


class OffersField(forms.CharField):
    """Suggested questions, written one a line: title | detail | question, or the question alone."""

    widget = UnfoldAdminTextareaWidget(attrs={"rows": 6})

    def prepare_value(self, value: Any) -> Any:
        """The lines of the stored list."""
        if not isinstance(value, list):
            return value
        # A dictionary keeps the order and drops what is said twice: a question alone is its own title.
        return "\n".join(" | ".join({offer[part]: None for part in OFFER if offer.get(part)}) for offer in value)

    def clean(self, value: Any) -> list[dict[str, str]]:
        """The list of the lines; ValidationError names a line with too many parts."""
        return [_offer(line) for line in super().clean(value).splitlines() if line.strip()]


def _offer(line: str) -> dict[str, str]:
    parts = [part.strip() for part in line.split("|")]
    if len(parts) > len(OFFER) or not all(parts):
        raise ValidationError(f"Write title | detail | question, or the question alone, instead of “{line.strip()}”.")
    title, question = parts[0], parts[-1]
    detail = parts[1] if len(parts) == len(OFFER) else ""
    return {"title": title, "detail": detail, "question": question}


class TenantForm(forms.ModelForm):  # type: ignore[type-arg] # generic in the stubs alone
    """A tenant's settings."""

    suggestions = OffersField(
        required=False,
        max_length=4000,
        help_text="Questions offered to begin with, one a line: title | detail | question, or the question alone.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "tier" in self.fields:  # for operators; nothing chosen leaves what there is
            self.fields["tier"].required = False

    def clean_tier(self) -> RateTier:
        """The tier that was chosen, or the one the tenant has."""
        chosen: RateTier | None = self.cleaned_data["tier"]
        return chosen or self.instance.tier


@admin.register(Tenant)
class TenantAdmin(TenantModelAdmin):
    """All tenants for operators; for an owner the one that the admin shows."""

    form = TenantForm
    list_display = ("name", "slug", "host", "language", "tier_name", "active", "created_at")
    list_select_related = ("tier",)
    search_fields = ("name", "slug", "host")
    fieldsets = (
        (None, {"fields": ("name", "slug", "host", "language", "tier", "active")}),
        ("Assistant", {"fields": ("assistant_name", "greeting", "suggestions")}),
        ("Colour", {"fields": ("hue", "chroma")}),
    )

    @admin.display(description="Tier", ordering="tier")
    def tier_name(self, tenant: Tenant) -> str:
        return tenant.tier.name

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tenant]:
        tenants: QuerySet[Tenant] = super().get_queryset(request)
        if request.user.is_superuser:
            return tenants
        own: Tenant | None = getattr(request, "tenant", None)
        return tenants.filter(pk=own.pk) if own else tenants.none()

    def get_readonly_fields(self, request: HttpRequest, obj: Tenant | None = None) -> tuple[str, ...]:  # noqa: ARG002 (Django's signature)
        return () if request.user.is_superuser else OPERATORS_FIELDS

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Tenant | None = None) -> bool:
        if request.user.is_superuser:
            return True
        return may(request, Role.OWNER) and obj in (None, getattr(request, "tenant", None))

    def has_change_permission(self, request: HttpRequest, obj: Tenant | None = None) -> bool:
        return self.has_view_permission(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Tenant | None = None) -> bool:  # noqa: ARG002 (Django's signature)
        return False  # its rows are behind their own scope; switch it off instead

    def save_model(self, request: HttpRequest, obj: Tenant, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if getattr(request, "tenant", None):  # the trail of the tenant in scope; there is none before the first tenant
            action = "tenant.edited" if change else "tenant.created"
            record_audit(actor=actor(request), action=action, target=obj.slug, detail={"fields": form.changed_data})


@admin.register(RateTier)
class RateTierAdmin(TenantModelAdmin):
    """How many turns customers may take, by tier; a change holds from the next message on."""

    list_display = ("name", "slug", "turns_per_hour", "address_turns_per_hour", "held_by")
    heading = "Tiers"
    add_label = "Add a tier"
    fields = ("name", "slug", "turns_per_hour", "address_turns_per_hour")
    prepopulated_fields = {"slug": ("name",)}

    @admin.display(description="Tenants")
    def held_by(self, tier: RateTier) -> int:
        return tier.tenants.count()

    def get_readonly_fields(self, request: HttpRequest, obj: RateTier | None = None) -> tuple[str, ...]:  # noqa: ARG002 (Django's signature)
        return ("slug",) if obj else ()

    def get_prepopulated_fields(self, request: HttpRequest, obj: RateTier | None = None) -> dict[str, Any]:  # noqa: ARG002 (Django's signature)
        return {} if obj else self.prepopulated_fields

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_view_permission(self, request: HttpRequest, obj: RateTier | None = None) -> bool:  # noqa: ARG002 (Django's signature)
        return bool(request.user.is_superuser)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: RateTier | None = None) -> bool:  # noqa: ARG002 (Django's signature)
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: RateTier | None = None) -> bool:
        """New tenants get the first tier; Django itself refuses to delete one that a tenant has."""
        return bool(request.user.is_superuser) and obj is not None and obj.slug != FIRST_TIER

    def save_model(self, request: HttpRequest, obj: RateTier, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if getattr(request, "tenant", None):
            action = "tier.edited" if change else "tier.created"
            limits = {name: getattr(obj, name) for name in ("turns_per_hour", "address_turns_per_hour")}
            record_audit(actor=actor(request), action=action, target=obj.slug, detail=limits)


class ActionFilter(admin.AllValuesFieldListFilter):
    """Audit events by what was done, in words."""

    def choices(self, changelist: Any) -> Iterator[Any]:
        for choice in super().choices(changelist):
            yield {**choice, "display": in_words(str(choice["display"]))}


def in_words(action: str) -> str:
    """The code of an action as a person says it: "document.added" is "Document added"."""
    return action.replace(".", " ").replace("_", " ").capitalize()


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    """Who did what; nobody can change it."""

    list_display = ("at", "actor", "what", "target")
    heading = "Audit trail"
    list_filter = (("action", ActionFilter),)
    search_fields = ("actor", "action", "target")
    search_help_text = "Who, what or on what"
    fields = ("at", "actor", "what", "target", "details")
    readonly_fields = ("what", "details")

    @admin.display(description="What", ordering="action")
    def what(self, event: AuditEvent) -> str:
        return in_words(event.action)

    @admin.display(description="Details")
    def details(self, event: AuditEvent) -> str:
        return format_html("<pre>{}</pre>", json.dumps(event.detail, indent=2, ensure_ascii=False))
