"""Intents in the admin: what customers want, by example, and a look at how a sentence is understood."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, QuerySet
from unfold import widgets

from agents.models import Intent, IntentExample
from agents.routing import builtin, teaching
from agents.routing.intents import understand
from commerce.admin.base import OwnForm, RowsInline
from knowledge.embedding.base import EmbedderError
from tenants.admin.base import TenantModelAdmin, actor
from tenants.models import Role

MAX_SENTENCE = 500  # characters
MAX_SHOWN = 1000  # examples in the form of one intent: more fields than a request may have otherwise


class IntentForm(OwnForm):
    """An intent, and examples pasted into one box."""

    pasted = forms.CharField(
        required=False,
        label="Add examples",
        widget=widgets.UnfoldAdminTextareaWidget(attrs={"rows": 8}),
        help_text="What customers say who want this, one a line. Ten different ones are a good start; more are better.",
    )

    class Meta:
        model = Intent
        fields = ("name", "label", "description", "enabled")
        help_texts = {
            "name": "Letters, digits, hyphens, underscores. A built-in name adds to that intent, or switches it off: "
            + ", ".join(builtin.DESCRIPTIONS)
            + "."
        }

    def clean_pasted(self) -> str:
        lines = str(self.cleaned_data["pasted"]).splitlines()
        if len(lines) > teaching.MAX_PASTED:
            raise forms.ValidationError(f"Add at most {teaching.MAX_PASTED} examples at once.")
        return "\n".join(lines)


class ExampleInline(RowsInline):
    roles = (Role.CURATOR,)
    model = IntentExample
    fields = ("text", "language", "source")
    readonly_fields = ("source",)
    verbose_name_plural = "examples"

    def has_add_permission(self, request: Any, obj: Any = None) -> bool:  # noqa: ARG002 (Django's signature)
        return False  # the box above adds

    def get_queryset(self, request: Any) -> QuerySet[IntentExample]:
        """The examples, the newest alone where there are too many for one form."""
        rows: QuerySet[IntentExample] = super().get_queryset(request)
        intent = str(request.resolver_match.kwargs.get("object_id") if request.resolver_match else "")
        newest = rows.filter(intent_id=int(intent)).order_by("-pk") if intent.isdecimal() else rows.none()
        return rows.filter(pk__in=list(newest.values_list("pk", flat=True)[:MAX_SHOWN]))


@admin.register(Intent)
class IntentAdmin(TenantModelAdmin):
    """What curators see of intents. Everything that changes goes through `agents.routing.teaching`."""

    roles = (Role.CURATOR,)
    form = IntentForm
    inlines = (ExampleInline,)
    list_display = ("name", "label", "enabled", "examples_count")
    search_fields = ("name", "label")
    fieldsets = ((None, {"fields": ("name", "label", "description", "enabled", "pasted")}),)
    empty_hint = "The seven built-in intents need no row. Add one of your own, or one with a built-in name to teach it."
    list_before_template = "admin/agents/intent/try.html"

    def get_queryset(self, request: Any) -> QuerySet[Intent]:
        rows: QuerySet[Intent] = super().get_queryset(request)
        return rows.annotate(count=Count("examples"))

    @admin.display(description="Examples", ordering="count")
    def examples_count(self, intent: Any) -> int:
        """How many examples of its own it has."""
        return int(intent.count)

    def changelist_view(self, request: Any, extra_context: Any = None) -> Any:
        """The list, with what is understood of the sentence in the address."""
        request.GET = request.GET.copy()
        sentence = "".join(request.GET.pop("sentence", [""]))[:MAX_SENTENCE].replace("\x00", "").strip()
        context = {**(extra_context or {}), "sentence": sentence, **_tried(request, sentence)}
        return super().changelist_view(request, context)

    def save_model(self, request: Any, obj: Intent, form: Any, change: bool) -> None:  # noqa: ARG002 (Django's signature)
        teaching.save_intent(intent=obj, actor=actor(request))
        lines = form.cleaned_data.get("pasted", "").splitlines()
        if lines:
            count = teaching.add_examples(intent=obj, texts=lines, actor=actor(request))
            messages.info(request, f"{count} new example{'' if count == 1 else 's'}.")

    def delete_model(self, request: Any, obj: Intent) -> None:
        teaching.delete_intents(intents=[obj], actor=actor(request))

    def delete_queryset(self, request: Any, queryset: QuerySet[Intent]) -> None:
        teaching.delete_intents(intents=list(queryset), actor=actor(request))

    def get_deleted_objects(self, objs: Any, request: Any) -> tuple[list[str], dict[str, int], set[str], list[str]]:  # noqa: ARG002 (Django's signature)
        names = [str(intent) for intent in objs]  # and not each of their examples
        return names, {"intents": len(names)}, set(), []


def _tried(request: Any, sentence: str) -> dict[str, Any]:
    """What the page shows of a sentence: what is understood, or why nothing is."""
    if not sentence:
        return {}
    try:
        understood = understand(request.tenant.pk, sentence, language=request.tenant.language)
    except EmbedderError as error:
        return {"error": str(error)}
    return {"understood": understood, "named": understood.entities.values()}
