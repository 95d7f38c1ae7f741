"""What the admin's pages about the shop share: forms and tables of rows within a page, for the roles of the page."""

from typing import Any, ClassVar

from django import forms
from django.http import HttpRequest
from unfold.admin import TabularInline
from unfold.widgets import UnfoldAdminTextareaWidget

from tenants.admin.base import may
from tenants.admin.fields import LinesField, OwnForm
from tenants.models import Role

__all__ = ["LinesField", "OwnForm", "PairsField", "RowsInline"]


class PairsField(forms.CharField):
    """Names with values, written one a line: "Colour: black"."""

    widget = UnfoldAdminTextareaWidget(attrs={"rows": 8})

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"help_text": "One a line, such as “Colour: black”.", "required": False, **options})

    def prepare_value(self, value: Any) -> Any:
        """The lines of the stored pairs."""
        return "\n".join(f"{name}: {text}" for name, text in value.items()) if isinstance(value, dict) else value

    def clean(self, value: Any) -> dict[str, str]:
        """The pairs of the lines; ValidationError names a line that is none."""
        pairs = {}
        for line in filter(str.strip, super().clean(value).splitlines()):
            name, colon, text = (part.strip() for part in line.partition(":"))
            if not (name and colon and text):
                raise forms.ValidationError(f"Write “name: value” instead of “{line.strip()[:80]}”.")
            pairs[name] = text
        return pairs

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial or {}), data)


class RowsInline(TabularInline):  # type: ignore[misc] # unfold ships no types
    """Rows of the tenant within the page of another, for the same roles."""

    roles: ClassVar[tuple[Role, ...]] = (Role.OWNER,)
    form = OwnForm
    extra = 0
    hide_title = True

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 (Django's signature)
        return may(request, *self.roles)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 (Django's signature)
        return may(request, *self.roles)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 (Django's signature)
        return may(request, *self.roles)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 (Django's signature)
        return may(request, *self.roles)


class ReadOnlyInline(RowsInline):
    """Rows that can only be looked at: services change them."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 (Django's signature)
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 (Django's signature)
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 (Django's signature)
        return False
