"""Language models in the admin: which ones a tenant uses and what they cost, and a button that tries one."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect
from django.utils.html import format_html

from agents.budgets import budgets_of
from agents.llm.base import LLMError
from agents.llm.explaining import explain
from agents.llm.registry import OPENAI, environment_models, model_of
from agents.llm.trial import Trial, try_model
from agents.models import LanguageModel, ModelRole
from commerce.admin.base import OwnForm
from knowledge.admin.servers import KEY_LOST, ServerForm, key_state
from tenants.admin.base import TenantModelAdmin, actor
from tenants.secrets import scrub
from tenants.services import record_audit

SHOWN_WORDS = 300  # characters of a tried model's answer
ONE_OF_A_ROLE = {ModelRole.PRIMARY, ModelRole.STRONG}


class ModelForm(ServerForm, OwnForm):
    """A model."""

    copied = "chat/completions"

    class Meta:
        model = LanguageModel
        fields = (
            "role",
            "position",
            "base_url",
            "model",
            "input_price",
            "output_price",
            "describes_pictures",
            "active",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["position"].required = False  # fallbacks alone need it

    def clean_position(self) -> int:
        """The place among the fallbacks; the first when none is given."""
        return self.cleaned_data["position"] or 0

    def clean(self) -> dict[str, Any]:
        """One primary and one strong model at most are in use, or nobody could say which."""
        values: dict[str, Any] = super().clean() or self.cleaned_data
        role = values.get("role")
        if role in ONE_OF_A_ROLE and values.get("active"):
            others = LanguageModel.objects.filter(role=role, active=True).exclude(pk=self.instance.pk)
            if other := others.first():
                self.add_error(
                    "role", f"{other.model} has this role. Switch it off first, or make this one a fallback."
                )
        return values


@admin.register(LanguageModel)
class LanguageModelAdmin(TenantModelAdmin):
    """The tenant's models, for its owners: they pay."""

    form = ModelForm
    heading = "Language models"
    add_label = "Add a model"
    list_display = ("model", "role", "position", "address", "key", "prices", "active", "try_it")
    list_display_links = ("model",)
    ordering = ("role", "position", "pk")
    change_form_outer_after_template = "admin/agents/languagemodel/try.html"
    fieldsets = (
        (
            None,
            {"fields": ("role", "position", "model", "base_url", "key", "forget_key", "describes_pictures", "active")},
        ),
        ("Prices", {"fields": ("input_price", "output_price")}),
    )

    @property
    def empty_hint(self) -> str:  # type: ignore[override] # the one hint that depends on the installation
        """What answers while there is no row."""
        names = ", ".join(model.model for model in environment_models())
        return (
            f"Until then this tenant uses the installation's own: {names}." if names else
            "Until then answers are quotes from your documents. Any server that speaks OpenAI's protocol will do."
        )  # fmt: skip

    def get_form(self, request: Any, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The form, which lets operators name servers inside the network."""
        form = super().get_form(request, obj, change, **kwargs)
        form.operator = bool(request.user.is_superuser)
        return form

    @admin.display(description="Address", ordering="base_url")
    def address(self, row: LanguageModel) -> str:
        """Where it is."""
        return row.base_url or OPENAI

    @admin.display(description="Key")
    def key(self, row: LanguageModel) -> str:
        """Whether there is one, and nothing of it."""
        return key_state(row.sealed_key)[0]

    @admin.display(description="USD per million tokens")
    def prices(self, row: LanguageModel) -> str:
        """Of what it reads and of what it writes."""
        if row.input_price is None or row.output_price is None:
            return "unknown"
        if not row.input_price and not row.output_price:
            return "free"
        return f"{row.input_price.normalize():f} read, {row.output_price.normalize():f} written"

    @admin.display(description="Try it")
    def try_it(self, row: LanguageModel) -> str:
        """A button of the list's own form, which sends it elsewhere."""
        return format_html(
            '<button class="aw-button" name="_try" value="list" formmethod="post" formaction="{}/change/" '
            'aria-label="Try {}">Try it</button>',
            row.pk,
            row.model,
        )

    def change_view(self, request: Any, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        """The form, and below it the button, which sends the form's address "_try"."""
        row = self.get_object(request, object_id)
        if request.method == "POST" and "_try" in request.POST:
            return self._tried(request, row)
        return super().change_view(request, object_id, form_url, {"tried": row, **(extra_context or {})})

    def _tried(self, request: Any, row: LanguageModel | None) -> Any:
        """Ask the model something short, and tell above the page what came."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        if row is None:
            messages.error(request, "This model is not there any more.")
            return redirect("admin:agents_languagemodel_changelist")
        _try(request, row)
        if request.POST["_try"] == "form":
            return redirect("admin:agents_languagemodel_change", row.pk)
        return redirect("admin:agents_languagemodel_changelist")

    def save_model(self, request: Any, obj: LanguageModel, form: Any, change: bool) -> None:
        """Save it; the audit trail names the fields that changed, never what the key is."""
        super().save_model(request, obj, form, change)
        action = "model.edited" if change else "model.added"
        detail = {"role": obj.role, "address": obj.base_url or OPENAI, "fields": form.changed_data}
        record_audit(actor=actor(request), action=action, target=obj.model, detail=detail)

    def delete_model(self, request: Any, obj: LanguageModel) -> None:
        """Delete it."""
        super().delete_model(request, obj)
        record_audit(actor=actor(request), action="model.deleted", target=obj.model, detail={"role": obj.role})

    def delete_queryset(self, request: Any, queryset: Any) -> None:
        """Delete them, one by one for the audit trail."""
        for row in queryset:
            self.delete_model(request, row)


def _try(request: Any, row: LanguageModel) -> None:
    model = model_of(row)
    if row.sealed_key and not model.api_key:
        messages.error(request, f"{row.model}: {KEY_LOST}")
        return
    try:
        trial = try_model(model, tenant_id=request.tenant.pk, budgets=budgets_of())
    except LLMError as error:
        messages.error(request, f"{row.model}: {explain(error, model)}")
    else:
        told = messages.success if trial.complete else messages.warning
        told(request, scrub(f"{row.model} says: {_told(trial)}", model.api_key))


def _told(trial: Trial) -> str:
    """A trial on one line: the words, the times, the tokens, the cost."""
    words = " ".join(trial.said.split())
    words = words if len(words) <= SHOWN_WORDS else words[: SHOWN_WORDS - 1] + "…"
    usage = trial.usage
    counted = ", estimated since the server reports none" if usage.estimated else ""
    if trial.cost is None:
        cost = "what it cost is unknown without prices"
    else:
        cost = f"{trial.cost.normalize():f} US dollars" if trial.cost else "free"
    return (
        f"“{words}” First word after {trial.first_ms:.0f} ms, all of it after {trial.total_ms:.0f} ms; "
        f"{usage.prompt_tokens} tokens read, {usage.completion_tokens} written{counted}; {cost}."
        + ("" if trial.complete else " The answer broke off before its end.")
    )
