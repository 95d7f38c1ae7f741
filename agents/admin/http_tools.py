"""Tools that curators make without code, and a button that tries those that read."""

import uuid
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect
from unfold import widgets

from agents.models import HttpTool, ToolKind
from agents.tools.arguments import check_arguments
from agents.tools.base import ToolContext, ToolError
from agents.tools.definitions import problems_of
from agents.tools.http import as_tool
from agents.tools.results import as_text
from commerce.admin.base import OwnForm, PairsField
from tenants.admin.base import TenantModelAdmin, actor
from tenants.models import Role
from tenants.secrets import UnreadableError
from tenants.services import record_audit

PARTS = ("name", "type", "where", "required", "description")
REQUIRED, OPTIONAL = "required", "optional"
SHOWN_RESULT = 1500  # characters


class ArgumentsField(forms.CharField):
    """Arguments, written one a line: name | type | where | required or optional | description."""

    widget = widgets.UnfoldAdminTextareaWidget(attrs={"rows": 4})

    def prepare_value(self, value: Any) -> Any:
        """The lines of the stored list."""
        return "\n".join(map(_line, value)) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[dict[str, Any]]:
        """The list of the lines; ValidationError names a line that has not all parts."""
        return [_argument(line) for line in super().clean(value).splitlines() if line.strip()]

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether the lines differ from the stored list."""
        return super().has_changed(self.prepare_value(initial or []), data)


def _line(argument: dict[str, Any]) -> str:
    required = REQUIRED if argument["required"] else OPTIONAL
    return " | ".join((argument["name"], argument["type"], argument["where"], required, argument["description"]))


def _argument(line: str) -> dict[str, Any]:
    parts = [part.strip() for part in line.split("|", len(PARTS) - 1)]
    if len(parts) < len(PARTS) or parts[3] not in (REQUIRED, OPTIONAL) or not parts[4]:
        raise forms.ValidationError(
            f"Write name | type | where | required or optional | description instead of “{line.strip()[:80]}”."
        )
    return {**dict(zip(PARTS, parts, strict=True)), "required": parts[3] == REQUIRED}


class HttpToolForm(OwnForm):
    """An HTTP tool. Its secret is written here and never read again."""

    arguments = ArgumentsField(
        required=False,
        max_length=8000,
        help_text="One a line: item | string | path | required | Which item, as the customer calls it. "
        "Types: string, integer, number, boolean. Where: path, query, body.",
    )
    headers = PairsField(help_text="One a line, such as “Authorization: Bearer {secret}”; {customer} is who asks.")
    secret = forms.CharField(
        required=False,
        max_length=500,
        strip=True,
        widget=widgets.UnfoldAdminPasswordWidget(render_value=False, attrs={"autocomplete": "new-password"}),
        help_text="Stands in headers as {secret}. It is never shown again; empty keeps the one there is.",
    )
    forget_secret = forms.BooleanField(required=False, label="Forget the secret", widget=widgets.UnfoldBooleanWidget())

    class Meta:
        model = HttpTool
        fields = (
            "name", "description", "kind", "method", "url", "arguments", "headers", "secret", "summary",
            "needs_customer", "limit_ms", "enabled",
        )  # fmt: skip

    def clean_secret(self) -> str:
        """The new secret, or the one there is; ValidationError where that cannot be read any more."""
        if self.cleaned_data["secret"]:
            return str(self.cleaned_data["secret"])
        try:
            return str(self.instance.secret)
        except UnreadableError:
            if self.data.get("forget_secret"):
                return ""
            raise forms.ValidationError(
                "The secret there is cannot be read: SECRET_KEY of this installation has changed. Enter it again, or "
                "tick “Forget the secret”."
            ) from None

    def clean(self) -> dict[str, Any]:
        """Check the tool as a whole."""
        values: dict[str, Any] = super().clean() or self.cleaned_data
        if values.get("forget_secret"):
            values["secret"] = ""
        if not self.errors:
            row = HttpTool(**{name: value for name, value in values.items() if name != "forget_secret"})
            for field, problems in problems_of(row).items():
                self.add_error(field, problems)
        return values

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc] # not in the stubs
        if not self.errors:
            self.instance.secret = self.cleaned_data["secret"]


@admin.register(HttpTool)
class HttpToolAdmin(TenantModelAdmin):
    """The tenant's own tools."""

    roles = (Role.CURATOR,)
    form = HttpToolForm
    heading = "HTTP tools"
    add_label = "Add an HTTP tool"
    empty_hint = "An HTTP tool asks a server of yours: whether an item is in the shop, when a fitting is free."
    list_display = ("name", "kind", "method", "url", "enabled")
    search_fields = ("name", "description", "url")
    change_form_outer_after_template = "admin/agents/httptool/try.html"
    fieldsets = (
        (None, {"fields": ("name", "description", "kind", "summary", "needs_customer", "enabled")}),
        ("Request", {"fields": ("method", "url", "arguments", "headers", "secret", "forget_secret", "limit_ms")}),
    )

    def change_view(self, request: Any, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        """The form; or a try of the tool as it is saved, whose result is told above the form."""
        row = self.get_object(request, object_id)
        if row is not None and request.method == "POST" and "_try" in request.POST:
            if not self.has_change_permission(request, row):
                raise PermissionDenied
            _try(request, row)
            return redirect("admin:agents_httptool_change", row.pk)
        context = {"tried": row if row is not None and row.kind == ToolKind.READ else None, **(extra_context or {})}
        return super().change_view(request, object_id, form_url, context)

    def save_model(self, request: Any, obj: HttpTool, form: Any, change: bool) -> None:
        """Save it; the audit trail names the fields that changed, never what the secret is."""
        super().save_model(request, obj, form, change)
        action = "tool.edited" if change else "tool.created"
        record_audit(actor=actor(request), action=action, target=obj.name, detail={"fields": form.changed_data})

    def delete_model(self, request: Any, obj: HttpTool) -> None:
        """Delete it."""
        super().delete_model(request, obj)
        record_audit(actor=actor(request), action="tool.deleted", target=obj.name)

    def delete_queryset(self, request: Any, queryset: Any) -> None:
        """Delete them, one by one for the audit trail."""
        for row in queryset:
            self.delete_model(request, row)


def _try(request: Any, row: HttpTool) -> None:
    """Call a read tool with what was typed, and tell what a model would be told."""
    given = {name.removeprefix("try-"): value for name, value in request.POST.items() if name.startswith("try-")}
    tool = as_tool(row)
    context = ToolContext(
        tenant_id=request.tenant.pk,
        tenant_name=request.tenant.name,
        language=request.tenant.language,
        conversation=uuid.uuid4(),
        reply=uuid.uuid4(),
        actor=actor(request),
    )
    try:
        if row.kind != ToolKind.READ:
            raise ToolError("Tools that change something are not tried.")  # noqa: TRY301 (one way to fail)
        arguments = check_arguments(tool.parameters, {name: value for name, value in given.items() if value})
        messages.success(request, as_text(tool.function(context, **arguments).data)[:SHOWN_RESULT])
    except ToolError as error:
        messages.error(request, str(error)[:SHOWN_RESULT])
