"""Language models in the admin: which ones a tenant uses and what they cost, and a button that tries one."""

from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect
from django.utils.html import format_html
from unfold import widgets

from agents.budgets import budgets_of
from agents.llm.base import LLMError
from agents.llm.explaining import explain
from agents.llm.registry import OPENAI, environment_models, model_of
from agents.llm.trial import Trial, try_model
from agents.models import LanguageModel, ModelRole
from commerce.admin.base import OwnForm
from knowledge.fetching import is_public
from tenants.admin.base import TenantModelAdmin, actor
from tenants.secrets import UnreadableError, scrub, seal, unseal
from tenants.services import record_audit

MAX_KEY = 500  # characters
SHOWN_WORDS = 300  # characters of a tried model's answer
ONE_OF_A_ROLE = {ModelRole.PRIMARY, ModelRole.STRONG}
KEY_HINT = "It is kept encrypted and never shown again."
KEY_KEPT = "A key is kept. Empty leaves it; another one takes its place."
KEY_LOST = "The key that was kept cannot be read any more: SECRET_KEY of this installation has changed. Enter it again."
PRIVATE = (
    "This address is inside the network. An operator of the installation can name it, or let owners do so with "
    "ASKWELL_PRIVATE_MODELS=1."
)
INSIDE = (".localhost", ".local", ".internal")
COPIED = "chat/completions"
"""What people copy along with the address; it is added to each request."""


class ModelForm(OwnForm):
    """A model. Its key is written here and never read again."""

    key = forms.CharField(
        required=False,
        max_length=MAX_KEY,
        strip=True,
        widget=widgets.UnfoldAdminPasswordWidget(render_value=False, attrs={"autocomplete": "new-password"}),
    )
    forget_key = forms.BooleanField(required=False, label="Remove the key", widget=widgets.UnfoldBooleanWidget())
    operator = False
    """Whether an operator fills the form; set by the page."""

    class Meta:
        model = LanguageModel
        fields = ("role", "position", "base_url", "model", "input_price", "output_price", "active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["key"].help_text = key_state(self.instance)[1]
        self.fields["position"].required = False  # fallbacks alone need it
        if not self.instance.sealed_key:
            self.fields["forget_key"].widget = forms.HiddenInput()

    def clean_position(self) -> int:
        """The place among the fallbacks; the first when none is given."""
        return self.cleaned_data["position"] or 0

    def clean_model(self) -> str:
        return str(self.cleaned_data["model"]).strip()

    def clean_base_url(self) -> str:
        """The address without a slash at its end."""
        url = str(self.cleaned_data["base_url"]).strip()
        if not url:
            return ""
        if problem := problem_of_address(url):
            raise forms.ValidationError(problem)
        url = url.removesuffix("/").removesuffix(COPIED).removesuffix("/")
        kept = (
            self.instance.pk and url == self.instance.base_url
        )  # an operator's address stays when others edit the row
        if not (self.operator or settings.ASKWELL_PRIVATE_MODELS or kept) and is_private(url):
            raise forms.ValidationError(PRIVATE)
        return url

    def clean_key(self) -> str:
        key = str(self.cleaned_data["key"])
        if not key.isascii() or not key.isprintable() or " " in key:
            raise forms.ValidationError("A key is one word of plain letters, digits and signs. Copy it once more.")
        return key

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

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc] # not in the stubs
        if self.errors:
            return
        row, values = self.instance, self.cleaned_data
        if values.get("forget_key"):
            row.sealed_key = ""
        if values["key"]:
            row.sealed_key = seal(values["key"])
        if "base_url" in self.changed_data or (self.operator and is_private(row.base_url)):
            row.private = self.operator


def problem_of_address(url: str) -> str:
    """What is wrong with an address, as a sentence; empty when nothing is."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return "This is no address."
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return "The address must begin with https:// or http://, such as https://api.example.com/v1."
    if parts.username is not None or parts.query or parts.fragment:
        return "The address must be plain, without a user name, ? or #. The key has a field of its own."
    if not url.isascii() or not url.isprintable() or " " in url:
        return "The address must be plain: no blanks, no accents."
    return ""


def is_private(url: str) -> bool:
    """Whether an address says that it is inside the network. Names are looked up when they are connected to."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    if not host:
        return False
    try:
        return not is_public(host)
    except ValueError:
        return "." not in host or host.endswith(INSIDE)


def key_state(row: LanguageModel) -> tuple[str, str]:
    """Whether a key is kept: for the list, and as a hint beside the field."""
    if not row.sealed_key:
        return "none", f"{KEY_HINT} Servers of your own may need none."
    try:
        unseal(row.sealed_key)
    except UnreadableError:
        return "enter it again", KEY_LOST
    return "kept", KEY_KEPT


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
        (None, {"fields": ("role", "position", "model", "base_url", "key", "forget_key", "active")}),
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
        return key_state(row)[0]

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
