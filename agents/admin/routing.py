"""Which turns the strong model answers: the rules, in plain words, and a box that says what they make of a question."""

from collections.abc import Iterable
from dataclasses import astuple, dataclass
from typing import Any

from asgiref.sync import async_to_sync
from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.validators import MaxValueValidator
from django.db import transaction
from django.shortcuts import redirect
from unfold import widgets

from agents.llm.registry import tenant_models
from agents.llm.router import (
    DEFAULTS,
    MESSAGES_KNOWN,
    Circumstances,
    Rule,
    ask_intents,
    first_fit,
    language_name,
    rules_of_tenant,
)
from agents.models import AnswerPolicy, Routing, RoutingRule
from agents.routing.intents import understand
from agents.routing.teaching import available_intents
from commerce.admin.base import OwnForm
from knowledge.embedding.base import EmbedderError
from knowledge.indexes.language import LANGUAGES, detect_language
from tenants.admin.base import TenantModelAdmin, actor
from tenants.models import Role
from tenants.services import record_audit

MAX_QUESTION = 8000  # characters of a question that is tried
STEP = 10  # between two positions, so that a rule fits in


class RuleForm(OwnForm):
    """A rule, with its lists as choices."""

    intents = forms.MultipleChoiceField(
        required=False, widget=widgets.UnfoldAdminCheckboxSelectMultipleWidget(), help_text="None chosen: any."
    )
    languages = forms.MultipleChoiceField(
        required=False, widget=widgets.UnfoldAdminCheckboxSelectMultipleWidget(), help_text="None chosen: any."
    )

    class Meta:
        model = RoutingRule
        fields = (
            "name", "position", "intents", "languages", "min_characters", "min_messages", "min_tools",
            "failed_before", "strong", "active",
        )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kept = Rule.of(self.instance)
        names = dict.fromkeys([*available_intents(), *kept.intents])  # also one that has been switched off since
        self.fields["intents"].choices = [(name, name) for name in names]  # type: ignore[attr-defined] # a choice field
        codes = dict.fromkeys([*LANGUAGES, *kept.languages])
        self.fields["languages"].choices = sorted(  # type: ignore[attr-defined] # a choice field
            ((code, language_name(code)) for code in codes), key=lambda choice: choice[1]
        )
        self.fields["min_messages"].validators.append(
            MaxValueValidator(MESSAGES_KNOWN, f"The assistant is told of {MESSAGES_KNOWN} messages at most.")
        )


@dataclass(frozen=True, slots=True)
class Tried:
    """What the rules make of a question."""

    model: str
    rule: str
    sentence: str
    intents: tuple[str, ...]
    language: str


class TryForm(forms.Form):
    """A question as a customer might ask it, and how far the conversation is."""

    question = forms.CharField(required=False, max_length=MAX_QUESTION)
    before = forms.IntegerField(required=False, min_value=0, max_value=MESSAGES_KNOWN)
    tools = forms.IntegerField(required=False, min_value=0, max_value=1000)
    failed = forms.BooleanField(required=False)


@admin.register(RoutingRule)
class RoutingRuleAdmin(TenantModelAdmin):
    """The rules of a tenant, in the order in which they are asked."""

    roles = (Role.CURATOR,)
    form = RuleForm
    heading = "Routing"
    add_label = "Add a rule"
    empty_hint = "The built-in rules above hold until you add one of your own."
    list_display = ("position", "name", "says", "active")
    list_display_links = ("name",)
    list_editable = ("position", "active")
    ordering = ("position", "pk")
    list_before_template = "admin/agents/routingrule/try.html"
    fieldsets = (
        (None, {"fields": ("name", "position", "strong", "active")}),
        (
            "All of these must hold",
            {"fields": ("intents", "languages", "min_characters", "min_messages", "min_tools", "failed_before")},
        ),
    )

    @admin.display(description="What it does")
    def says(self, row: RoutingRule) -> str:
        return str(Rule.of(row))

    def get_changeform_initial_data(self, request: Any) -> dict[str, Any]:
        """A new rule comes last."""
        last = RoutingRule.objects.order_by("-position").values_list("position", flat=True).first()
        return {"position": (last or 0) + STEP, **super().get_changeform_initial_data(request)}

    def changelist_view(self, request: Any, extra_context: Any = None) -> Any:
        """The list, with what becomes of the question in the address; or the built-in rules made into rows."""
        if request.method == "POST" and "_copy" in request.POST:
            if not self.has_add_permission(request):
                raise PermissionDenied
            _copy_defaults(request)
            return redirect("admin:agents_routingrule_changelist")
        asked = {name: request.GET.get(name, "") for name in TryForm.base_fields}
        request.GET = request.GET.copy()
        for name in asked:
            request.GET.pop(name, None)
        context = {**(extra_context or {}), **_standing(), "asked": asked, **_tried(request, TryForm(asked))}
        return super().changelist_view(request, context)

    def save_model(self, request: Any, obj: RoutingRule, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        detail = {"fields": form.changed_data, "rule": str(Rule.of(obj)), "active": obj.active}
        action = "routing.edited" if change else "routing.added"
        record_audit(actor=actor(request), action=action, target=obj.name, detail=detail)

    def delete_model(self, request: Any, obj: RoutingRule) -> None:
        super().delete_model(request, obj)
        record_audit(actor=actor(request), action="routing.deleted", target=obj.name)

    def delete_queryset(self, request: Any, queryset: Any) -> None:
        """Delete them, one by one for the audit trail."""
        for row in queryset:
            self.delete_model(request, row)


@transaction.atomic
def _copy_defaults(request: Any) -> None:
    """Make rows of the built-in rules, to be changed; a tenant that has rows keeps those alone."""
    if RoutingRule.objects.exists():
        return
    for place, rule in enumerate(DEFAULTS, 1):
        name, intents, languages, characters, before, tools, failed, strong = astuple(rule)
        RoutingRule.objects.create(
            position=place * STEP, name=name, intents=list(intents), languages=list(languages),
            min_characters=characters or None, min_messages=before or None, min_tools=tools or None,
            failed_before=failed, strong=strong,
        )  # fmt: skip
    record_audit(actor=actor(request), action="routing.copied", target="built-in rules")
    messages.success(request, "The built-in rules are yours to change now.")


def _standing() -> dict[str, Any]:
    """Whether rules have a say at all, and which."""
    models = tenant_models()
    mode = (AnswerPolicy.objects.first() or AnswerPolicy()).routing
    return {
        "mode": mode,
        "mode_off": mode == Routing.OFF,
        "mode_shadow": mode == Routing.SHADOW,
        "one_model": not (models.primary and models.strong),
        "defaults": [] if RoutingRule.objects.exists() else [(rule.name, str(rule)) for rule in DEFAULTS],
    }


def _tried(request: Any, form: TryForm) -> dict[str, Any]:
    """What the page says of the question; nothing where none was asked."""
    if not form.is_valid() or not form.cleaned_data["question"].strip():
        return {"wrong": form.errors}
    question, rules = form.cleaned_data["question"].strip(), rules_of_tenant()
    try:
        intents = _intents(request, question) if ask_intents(rules) else ()
    except EmbedderError as error:
        return {"error": str(error)}
    language = detect_language([question], request.tenant.language)
    asked = Circumstances(
        characters=len(question),
        messages=form.cleaned_data["before"] or 0,
        tools=form.cleaned_data["tools"] or 0,
        failed_before=form.cleaned_data["failed"],
        language=language,
    )

    async def known() -> Iterable[str]:
        return intents

    rule = async_to_sync(first_fit)(rules, asked, known)
    model = "strong" if rule and rule.strong else "primary"
    return {"tried": Tried(model, rule.name if rule else "", str(rule or ""), intents, language_name(language))}


def _intents(request: Any, question: str) -> tuple[str, ...]:
    understood = understand(request.tenant.pk, question, language=request.tenant.language)
    return tuple(intent.name for intent in understood.intents)
