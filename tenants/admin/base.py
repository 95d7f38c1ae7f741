"""What every page of the admin shares: roles in the tenant say who may do what, never Django's permissions."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from unfold.admin import ModelAdmin

from tenants.models import Role
from tenants.services import record_audit


def may(request: HttpRequest, *roles: Role) -> bool:
    """Whether the person has one of these roles in the tenant that the admin shows; owners have all."""
    access = getattr(request, "access", None)
    return access is not None and access.may(*roles)


def actor(request: HttpRequest) -> str:
    """The person's name for the audit trail."""
    return request.user.get_username()


class TenantModelAdmin(ModelAdmin):  # type: ignore[misc] # unfold ships no types
    """Rows of one tenant: the manager shows no others, and `roles` says who may see and change them."""

    roles: ClassVar[tuple[Role, ...]] = (Role.OWNER,)
    heading = ""  # of the list; empty: the model's name
    add_label = ""  # of the button that adds; empty: made of the model's name
    empty_hint = ""  # what to do when there is nothing yet
    list_per_page = 50
    show_full_result_count = False
    compressed_fields = True

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may(request, *self.roles)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 (Django's signature)
        return may(request, *self.roles)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return may(request, *self.roles)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 (Django's signature)
        return may(request, *self.roles)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 (Django's signature)
        return may(request, *self.roles)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **options: Any) -> HttpResponse:
        """The form with one button that saves; there is nothing to choose between three."""
        context |= {"show_save_and_continue": False, "show_save_and_add_another": False}
        response: HttpResponse = super().render_change_form(request, context, **options)
        return response

    # Django's own log knows no tenants, so nothing is written to it: services keep the audit trail.
    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None:
        """Nothing."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> None:
        """Nothing."""

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Nothing."""

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:  # noqa: ARG002 (Django's signature)
        """The audit trail tells the history of everything; there is no page for one object."""
        raise Http404("No such page")


class ReadOnlyAdmin(TenantModelAdmin):
    """Rows that can only be looked at."""

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 (Django's signature)
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 (Django's signature)
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 (Django's signature)
        return False


class SingleRowAdmin(TenantModelAdmin):
    """Settings of which a tenant has one row: the list leads straight to it."""

    audit_target: ClassVar[str] = ""  # what the audit trail calls it

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 (Django's signature)
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 (Django's signature)
        return False

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Lead to the row, which is made where there is none."""
        if not self.has_view_permission(request):
            return super().changelist_view(request, extra_context)
        row = self.model.objects.first() or self.model.objects.create()
        return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", row.pk)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save it and keep what was changed in the audit trail."""
        super().save_model(request, obj, form, change)
        detail: dict[str, object] = {"fields": form.changed_data}
        record_audit(actor=actor(request), action="policy.edited", target=self.audit_target, detail=detail)
