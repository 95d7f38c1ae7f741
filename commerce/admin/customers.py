"""Customers, with how they pay."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from commerce.admin.base import OwnForm, ReadOnlyInline
from commerce.admin.files import FilesAdmin
from commerce.models import Customer, PaymentMethod
from tenants.admin.base import actor
from tenants.models import Role
from tenants.services import record_audit


class MethodInline(ReadOnlyInline):
    """Balances move by services alone."""

    roles = (Role.AGENT,)
    model = PaymentMethod
    fields = ("code", "source", "brand", "last_four", "balance")


@admin.register(Customer)
class CustomerAdmin(FilesAdmin):
    """Who buys. `manage.py erase_customer` forgets one, with everything of theirs."""

    roles = (Role.AGENT,)
    table = "customers"
    form = OwnForm
    list_display = ("__str__", "code", "email", "city", "zip")
    search_fields = ("code", "first_name", "last_name", "email", "zip")
    search_help_text = "Name, id, e-mail address or postcode"
    add_label = "Add a customer"
    inlines = (MethodInline,)
    fieldsets = (
        (None, {"fields": ("code", ("first_name", "last_name"), "email")}),
        ("Address", {"fields": ("address1", "address2", ("city", "zip"), ("state", "country"))}),
    )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 (Django's signature)
        return False

    def save_model(self, request: HttpRequest, obj: Customer, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        action = "customer.edited" if change else "customer.added"
        detail: dict[str, object] = {"fields": form.changed_data}
        record_audit(actor=actor(request), action=action, target=obj.code, detail=detail)
