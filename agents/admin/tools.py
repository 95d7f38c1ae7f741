"""Tools in the admin: what each may do and how it did, the record of calls, and the agent's policy."""

import json
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect, render
from django.utils.html import format_html
from unfold import widgets

from agents.models import AgentPolicy, HttpTool, ToolCall, ToolKind, ToolSetting
from agents.tools.adjusting import adjust_tool
from agents.tools.base import Tool
from agents.tools.definitions import LIMITS_MS
from agents.tools.figures import DAYS, Figures, recent_figures
from agents.tools.registry import built_in
from commerce.admin.base import OwnForm
from tenants.admin.base import ReadOnlyAdmin, SingleRowAdmin, TenantModelAdmin, actor
from tenants.models import Role

MAX_PER_MINUTE = 100_000
SHOWN_ARGUMENTS = 100  # characters in a list


class ToolForm(forms.Form):
    """What a curator sets of one tool; the fields bear its name."""

    enabled = forms.BooleanField(required=False, widget=widgets.UnfoldBooleanWidget())
    limit_ms = forms.IntegerField(
        required=False, min_value=LIMITS_MS[0], max_value=LIMITS_MS[1], widget=widgets.UnfoldAdminIntegerFieldWidget()
    )
    per_minute = forms.IntegerField(
        required=False, min_value=1, max_value=MAX_PER_MINUTE, widget=widgets.UnfoldAdminIntegerFieldWidget()
    )

    def __init__(self, tool: Tool, figures: Figures, setting: ToolSetting | None, data: Any = None) -> None:
        self.tool, self.figures = tool, figures
        self.reads = tool.kind == ToolKind.READ
        row = setting or ToolSetting()
        initial = {"enabled": row.enabled, "limit_ms": row.limit_ms, "per_minute": row.per_minute}
        super().__init__(data, prefix=tool.name, initial=initial)
        for field, label in (("enabled", "on"), ("limit_ms", "time limit in ms"), ("per_minute", "calls a minute")):
            self.fields[field].widget.attrs["aria-label"] = f"{tool.name}: {label}"
        self.fields["limit_ms"].widget.attrs["placeholder"] = str(tool.limit_ms)
        self.fields["per_minute"].widget.attrs["placeholder"] = "any"

    def save(self, who: str) -> bool:
        """Set it; returns whether that changed anything."""
        return adjust_tool(name=self.tool.name, actor=who, **self.cleaned_data)


@admin.register(ToolSetting)
class ToolsAdmin(TenantModelAdmin):
    """One page with every built-in tool."""

    roles = (Role.CURATOR,)

    def has_add_permission(self, request: Any) -> bool:  # noqa: ARG002 (Django's signature)
        return False

    def changelist_view(self, request: Any, extra_context: Any = None) -> Any:  # noqa: ARG002 (Django's signature)
        """Show the tools, or save what was set of them: all or nothing."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        figures = recent_figures()
        tools = _forms(figures, request.POST if request.method == "POST" else None)
        if request.method == "POST" and all([form.is_valid() for form in tools]):  # noqa: C419 (each is to say what is wrong)
            changed = sum(form.save(actor(request)) for form in tools)
            messages.success(request, f"{changed} changed." if changed else "Nothing was changed.")
            return redirect("admin:agents_toolsetting_changelist")
        own = [(row, figures.get(row.name, Figures())) for row in HttpTool.objects.all()]
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Tools",
            "tools": tools,
            "own": own,
            "days": DAYS,
            "wrong": any(form.errors for form in tools),
        }
        return render(request, "admin/agents/toolsetting/tools.html", context)


def _forms(figures: dict[str, Figures], data: Any) -> list[ToolForm]:
    settings: dict[str, ToolSetting] = {row.name: row for row in ToolSetting.objects.all()}
    tools = sorted(built_in().values(), key=lambda tool: tool.name)
    return [ToolForm(tool, figures.get(tool.name, Figures()), settings.get(tool.name), data) for tool in tools]


@admin.register(ToolCall)
class ToolCallAdmin(ReadOnlyAdmin):
    """What tools were asked and what they answered; nobody can change it."""

    roles = (Role.CURATOR,)
    heading = "Calls of tools"
    empty_hint = "Each call of a tool in a conversation is kept here."
    list_display = ("created_at", "name", "asked", "error", "took")
    list_filter = ("name", "error")
    search_fields = ("name", "error", "conversation")
    search_help_text = "Tool, error or id of the conversation"
    ordering = ("-created_at", "-position")
    fields = ("created_at", "name", "conversation", "reply", "round", "position", "took", "error", "asked_all", "told")
    readonly_fields = fields

    @admin.display(description="Arguments")
    def asked(self, call: ToolCall) -> str:
        """The arguments on one line."""
        return json.dumps(call.arguments, ensure_ascii=False)[:SHOWN_ARGUMENTS]

    @admin.display(description="Arguments")
    def asked_all(self, call: ToolCall) -> str:
        """The arguments as JSON."""
        return format_html("<pre>{}</pre>", json.dumps(call.arguments, indent=2, ensure_ascii=False))

    @admin.display(description="What the model was told")
    def told(self, call: ToolCall) -> str:
        """The result, as text."""
        return format_html('<pre class="aw-text">{}</pre>', call.result)

    @admin.display(description="Took", ordering="ms")
    def took(self, call: ToolCall) -> str:
        """How long, in milliseconds."""
        return f"{call.ms:.0f} ms"


@admin.register(AgentPolicy)
class AgentPolicyAdmin(SingleRowAdmin):
    """The one row of the tenant's agent: its list leads straight to it."""

    audit_target = "agent"
    roles = (Role.CURATOR,)
    form = OwnForm
    fieldsets = (
        ("Who is asking", {"fields": ("verification", "order_needed", "attempts")}),
        ("Changes", {"fields": ("action_minutes", "approval_amount", "daily_changes")}),
        ("Limits and people", {"fields": ("tool_rounds", "handover_when_unknown")}),
    )
