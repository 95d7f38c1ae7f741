"""Prompts in the admin: drafts, how they answer beside the prompt in use, publishing and going back."""

import difflib
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from asgiref.sync import async_to_sync
from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.shortcuts import redirect, render
from unfold import widgets

from agents.llm.registry import tenant_models
from agents.models import PromptState, PromptVersion
from agents.prompts import FORMS, VERSION, load, versions
from agents.prompts.past_turns import SOURCES
from agents.prompts.places import MAX_LENGTH, Form
from agents.prompts.trial import LIMIT, MOST, Compared, Try, compare, new_try, past_tries
from tenants.admin.base import TenantModelAdmin, actor
from tenants.models import Role
from tenants.scope import tenant_scope

OFFERED = 15  # past replies to choose from
LIST = "admin:agents_promptversion_changelist"
CHANGE = "admin:agents_promptversion_change"
MAX_QUESTION = 8000  # characters
NO_MODEL = "No language model is set up: nothing can be tried."


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt in the list: what it is for, what is in use, and its versions, the latest first."""

    name: str
    form: Form
    used: PromptVersion | None
    file: str
    versions: tuple[PromptVersion, ...]

    @property
    def places(self) -> str:
        """The places there are, as they are written."""
        return ", ".join(f"{{{place}}}" for place in self.form.places)


@dataclass(frozen=True, slots=True)
class Written:
    """What somebody has sent, and what came of it: nothing when the page is first seen."""

    draft: Any = None
    """The form, where it could not be kept."""
    trial: Any = None
    problems: Sequence[str] = ()
    compared: Sequence[Compared] = ()


NOTHING = Written()


class DraftForm(forms.Form):
    """A draft, and what it is to be tried on."""

    text = forms.CharField(
        max_length=MAX_LENGTH, strip=False, required=False, widget=widgets.UnfoldAdminTextareaWidget(attrs={"rows": 16})
    )
    note = forms.CharField(required=False, max_length=200, widget=widgets.UnfoldAdminTextInputWidget())


class TrialForm(forms.Form):
    """Questions that a version is tried on: past replies, and new ones, one a line."""

    replies = forms.MultipleChoiceField(required=False)
    questions = forms.CharField(required=False, max_length=MOST * MAX_QUESTION)

    def __init__(self, *args: Any, offered: Sequence[uuid.UUID], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["replies"].choices = [(str(reply), str(reply)) for reply in offered]  # type: ignore[attr-defined] # a choice field

    @property
    def pasted(self) -> list[str]:
        """The new questions."""
        return [line.strip() for line in self.cleaned_data["questions"].splitlines() if line.strip()]

    def clean(self) -> dict[str, Any]:
        """Ask for one question at least, and for few at once: each is answered twice, and paid for."""
        values: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            count = len(values["replies"]) + len(self.pasted)
            if not 0 < count <= MOST:
                raise forms.ValidationError(f"Choose or write one to {MOST} questions.")
        return values


@admin.register(PromptVersion)
class PromptVersionAdmin(TenantModelAdmin):
    """The prompts of a tenant. Everything that changes goes through `agents.prompts.versions`."""

    roles = (Role.CURATOR,)

    def has_add_permission(self, request: Any) -> bool:  # noqa: ARG002 (Django's signature)
        return False

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:  # noqa: ARG002 (Django's signature)
        return False

    def changelist_view(self, request: Any, extra_context: Any = None) -> Any:  # noqa: ARG002 (Django's signature)
        """All prompts; or a draft is begun, or a prompt goes back to its file."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            return self._begin(request)
        context = {"title": "Prompts", "prompts": _prompts(), "files": VERSION}
        return render(request, "admin/agents/promptversion/prompts.html", self._context(request) | context)

    def _begin(self, request: Any) -> Any:
        try:
            if "_draft" in request.POST:
                draft = versions.make_draft(name=request.POST["_draft"], author=request.user)
                return redirect(CHANGE, draft.pk)
            versions.use_file(name=request.POST.get("_file", ""), author=request.user)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        return redirect(LIST)

    def change_view(self, request: Any, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        """One version: to change while it is a draft, to try, to publish."""
        row = self.get_object(request, object_id)
        if row is None or not self.has_change_permission(request, row):
            return super().change_view(request, object_id, form_url, extra_context)  # says what is wrong
        if row.name not in FORMS:
            messages.error(request, f"There is no prompt “{row.name}” any more.")
            return redirect(LIST)
        if request.method != "POST":
            return self._page(request, row)
        if "_discard" in request.POST:
            versions.delete_draft(version=row, author=request.user)
            messages.success(request, "The draft is gone.")
            return redirect(LIST)
        return self._saved(request, row)

    def _saved(self, request: Any, row: PromptVersion) -> Any:
        """Keep what was written; then publish or try it, as the button says."""
        try:
            if row.state == PromptState.DRAFT:
                self._keep(request, row)
            if "_publish" in request.POST:
                return self._publish(request, row)
        except ValidationError as error:
            return self._page(request, row, Written(draft=request.POST, trial=request.POST, problems=error.messages))
        if "_try" in request.POST:
            return self._try(request, row)
        messages.success(request, "Saved.")
        return redirect(CHANGE, row.pk)

    def _publish(self, request: Any, row: PromptVersion) -> Any:
        held = versions.request_publication(version=row, actor=actor(request))
        then = "is in use once its release has been checked." if held else "is in use now."
        messages.success(request, f"{FORMS[row.name].title} {row.number} {then}")
        return redirect(LIST)

    def _keep(self, request: Any, row: PromptVersion) -> None:
        """Change the draft; ValidationError says what is wrong with it."""
        form = DraftForm(request.POST)
        if not form.is_valid():
            raise ValidationError(_sentences(form))
        text, note = form.cleaned_data["text"], form.cleaned_data["note"]
        if (text.replace("\r\n", "\n").strip(), note) != (row.text, row.note):
            versions.edit_draft(version=row, text=text, note=note, author=request.user)
            row.refresh_from_db()

    def _try(self, request: Any, row: PromptVersion) -> Any:
        """Have the questions answered once the scope is closed: models are slow, and no transaction waits for them."""
        trial = TrialForm(request.POST, offered=[past.reply for past in _recent()])
        if not any(tenant_models()):
            return self._page(request, row, Written(trial=request.POST, problems=[NO_MODEL]))
        if not trial.is_valid():
            return self._page(request, row, Written(trial=request.POST, problems=_sentences(trial)))
        tenant = request.tenant
        tries = past_tries(tenant.pk, [uuid.UUID(reply) for reply in trial.cleaned_data["replies"]])
        tries += [new_try(tenant.pk, tenant.name, tenant.language, question) for question in trial.pasted]
        request.after_scope = self._answered(request, row, tries)
        return redirect(CHANGE, row.pk)  # is never sent: see AdminTenantMiddleware

    def _answered(self, request: Any, row: PromptVersion, tries: Sequence[Try]) -> Callable[[], Any]:
        def later() -> Any:
            compared = async_to_sync(compare)(tries, row)
            with tenant_scope(request.tenant.pk):
                return self._page(request, row, Written(trial=request.POST, compared=compared))

        return later

    def _page(self, request: Any, row: PromptVersion, written: Written = NOTHING) -> Any:
        used = versions.prompts_of_tenant()
        text = written.draft.get("text", "") if written.draft else row.text
        context = {
            "title": f"{FORMS[row.name].title}, version {row.number}",
            "row": row,
            "prompt": FORMS[row.name],
            "editable": row.state == PromptState.DRAFT,
            "in_use": row.state == PromptState.PUBLISHED,
            "form": DraftForm(written.draft, initial={"text": row.text, "note": row.note}),
            "problems": written.problems,
            "changes": difference(used.text(row.name), text.replace("\r\n", "\n").strip()),
            "used": used.numbers.get(row.name),
            "recent": _recent(),
            "chosen": written.trial.getlist("replies") if written.trial else [],
            "questions": written.trial.get("questions", "") if written.trial else "",
            "compared": written.compared,
            "most": MOST,
            "limit": f"{LIMIT:.0f}",
            "has_model": any(tenant_models()),
        }
        return render(request, "admin/agents/promptversion/version.html", self._context(request) | context)

    def _context(self, request: Any) -> dict[str, Any]:
        return {**self.admin_site.each_context(request), "opts": self.opts}


def difference(before: str, after: str) -> list[tuple[str, str]]:
    """The lines of two texts with "same", "gone" or "new" before each."""
    kinds = {"  ": "same", "- ": "gone", "+ ": "new"}
    lines = difflib.ndiff(before.splitlines(), after.splitlines())
    return [(kinds[line[:2]], line[2:]) for line in lines if line[:2] in kinds]


def _prompts() -> list[Prompt]:
    rows = list(PromptVersion.objects.select_related("created_by"))
    found = []
    for name, form in FORMS.items():
        own = tuple(row for row in rows if row.name == name)
        used = next((row for row in own if row.state == PromptState.PUBLISHED), None)
        found.append(Prompt(name, form, used, load(name), own))
    return found


def _recent() -> list[Any]:
    return SOURCES.past.recent(OFFERED) if SOURCES.past else []


def _sentences(form: forms.Form) -> list[str]:
    return [str(message) for errors in form.errors.values() for message in errors]
