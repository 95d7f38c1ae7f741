"""Forms and fields that the admin's pages of several applications share."""

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminTextareaWidget

from tenants.scope import current_tenant_id


class OwnForm(forms.ModelForm):  # type: ignore[type-arg] # generic in the stubs alone
    """A form for a row of a tenant, which finds codes that are taken before the database does."""

    def _get_validation_exclusions(self) -> set[str]:
        self.instance.tenant_id = self.instance.tenant_id or current_tenant_id()
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc] # not in the stubs
        return excluded - {"tenant"}


class LinesField(forms.CharField):
    """Texts, one a line."""

    widget = UnfoldAdminTextareaWidget(attrs={"rows": 3})

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"help_text": "One a line.", "required": False, **options})

    def prepare_value(self, value: Any) -> Any:
        """The lines of the stored list."""
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        """The list of the lines."""
        return [line.strip() for line in super().clean(value).splitlines() if line.strip()]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial or []), data)
