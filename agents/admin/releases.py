"""Releases in the admin: the gate, and what waits behind it with its reasons."""

from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect, render
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from agents.releases import deciding
from agents.releases.checking import MOST_ROUNDS
from agents.releases.comparing import Measures, figure, measures_of
from commerce.admin.base import OwnForm
from knowledge import releasing
from knowledge.evaluation.wording import measure_name
from knowledge.models import EvaluationCase, Release, ReleaseGate
from tenants.admin.base import ReadOnlyAdmin, SingleRowAdmin, actor, may
from tenants.models import Role

CHANGE = "admin:knowledge_release_change"
QUESTIONS_SHOWN = 50
KINDS = {
    "documents": "documents",
    "prompt": "a prompt",
    "weights": "weights of the search",
    "embedding": "the embedding model",
}
LABELS = {"enabled": "On", "set": "Questions", "tolerance": "Tolerance"}
HELP = {
    "enabled": "New documents and versions, prompts, weights and a switch of the embedding model wait until the "
    "questions were asked before and after. What makes nothing worse goes live by itself.",
    "set": "The set that is asked. A release waits while the set is missing or empty.",
    "tolerance": "How much each measure may fall, 0 to 1: .02 is two questions in a hundred; at 0 nothing "
    "may get worse, at 1 nothing is held back.",
}
DECIDED = "Nothing was done: this release has been decided in the meantime."


class ReleaseGateForm(OwnForm):
    """The gate; it cannot be switched on without questions to ask."""

    def clean(self) -> dict[str, Any]:
        """A gate that is on needs questions."""
        values: dict[str, Any] = super().clean() or self.cleaned_data
        if values.get("enabled") and "set" in values:
            chosen = values["set"]
            if chosen is None:
                self.add_error("set", "Choose the questions to ask, or leave the gate off.")
            elif not EvaluationCase.objects.filter(set=chosen, enabled=True).exists():
                self.add_error("set", "This set is empty. Add questions to it first, or choose another.")
        return values


@admin.register(ReleaseGate)
class ReleaseGateAdmin(SingleRowAdmin):
    """The one row of the gate. For owners."""

    audit_target = "release gate"
    roles = (Role.OWNER,)
    form = ReleaseGateForm
    heading = "Release gate"
    fields = ("enabled", "set", "tolerance")

    def get_form(self, request: Any, obj: Any = None, change: bool = False, **options: Any) -> Any:
        """The form, made within the scope: it offers the tenant's sets."""
        return super().get_form(request, obj, change, labels=LABELS, help_texts=HELP, **options)

    def save_model(self, request: Any, obj: Any, form: Any, change: bool) -> None:
        """Save it; what is being checked is looked at anew, since a gate that is off lets it through."""
        super().save_model(request, obj, form, change)
        for release in Release.objects.filter(state=Release.State.CHECKING):
            if releasing.is_read(release):
                releasing.enqueue_check(release)


@dataclass(frozen=True, slots=True)
class Measured:
    """A measure in both runs, as it is shown; `change` is above 0 where it got better."""

    name: str
    before: str
    after: str
    change: float


@dataclass(frozen=True, slots=True)
class Worse:
    """A question that got worse, and by which measures."""

    question: str
    measures: str


@admin.register(Release)
class ReleaseAdmin(ReadOnlyAdmin):
    """What went live, what waits and why. Owners may release what waits; curators withdraw it, or have it checked."""

    roles = (Role.CURATOR,)
    heading = "Releases"
    empty_hint = "With the release gate on, changes are listed here with what the questions said of them."
    list_display = ("name", "what", "state", "by", "asked")
    list_display_links = ("name",)
    list_filter = ("state",)
    search_fields = ("label",)

    @admin.display(description="Release", ordering="label")
    def name(self, release: Release) -> str:
        """What people know it by."""
        return release.label

    @admin.display(description="What")
    def what(self, release: Release) -> str:
        """The kind of change."""
        return capfirst(kind_of(release))

    @admin.display(description="Asked for by", ordering="requested_by")
    def by(self, release: Release) -> str:
        """Who asked for it."""
        return release.requested_by

    @admin.display(description="On", ordering="created_at")
    def asked(self, release: Release) -> SafeString:
        """When that was."""
        return format_html('<span class="num">{}</span>', date_format(release.created_at, "j M Y H:i"))

    def change_view(self, request: Any, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        """One release: its reasons, its questions, and what can be done about it."""
        release = self.get_object(request, object_id)
        if release is None or not self.has_view_permission(request, release):
            return super().change_view(request, object_id, form_url, extra_context)  # says what is wrong
        if request.method == "POST":
            return self._decided(request, release)
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": release.label}
        context |= _context(release) | {"owner": may(request)}
        response = render(request, "admin/knowledge/release/release.html", context)
        if request.headers.get("HX-Request") and not context["checking"]:
            response["HX-Refresh"] = "true"  # what can be done about it now is another thing
        return response

    def _decided(self, request: Any, release: Release) -> Any:
        if "_release" in request.POST:
            if not may(request):
                raise PermissionDenied
            done, told = deciding.release_anyway(release=release, actor=actor(request)), "It is live now."
        elif "_withdraw" in request.POST:
            done, told = deciding.withdraw(release=release, actor=actor(request)), "It was withdrawn: nothing changes."
        else:
            done, told = deciding.check_again(release=release, actor=actor(request)), "It is being checked again."
        if done:
            messages.success(request, told)
        else:
            messages.warning(request, DECIDED)
        return redirect(CHANGE, release.pk)


def kind_of(release: Release) -> str:
    """What a release changes, in a word or two."""
    return next((name for key, name in KINDS.items() if key in release.change), "a change")


def _context(release: Release) -> dict[str, Any]:
    before = measures_of(release.baseline) if release.baseline else {}
    after = measures_of(release.candidate) if release.candidate else {}
    return {
        "release": release,
        "kind": kind_of(release),
        "waits": release.state in Release.UNDECIDED,
        "checking": release.state == Release.State.CHECKING,
        "most_rounds": MOST_ROUNDS,
        "comparable": bool(before and after),
        "runs": [run for run in (release.baseline, release.candidate) if run is not None],
        "versions": list(releasing.still_to_come(release)),
        "measured": _measured(before, after),
        "worse": _worse(before, after),
        "tolerance": figure(ReleaseGate.objects.values_list("tolerance", flat=True).first() or 0.0),
    }


def _measured(before: Measures, after: Measures) -> list[Measured]:
    """The means of both runs over the questions that both have measured."""
    both = [case for case in before if case in after]
    names = dict.fromkeys(name for case in both for name in before[case] if name in after[case])
    rows = []
    for name in names:
        measured = [case for case in both if name in before[case] and name in after[case]]
        old, new = (sum(side[case][name] for case in measured) / len(measured) for side in (before, after))
        rows.append(Measured(measure_name(name), figure(old), figure(new), round(new, 3) - round(old, 3)))
    return rows


def _worse(before: Measures, after: Measures) -> list[Worse]:
    """The questions that got worse, those first that lost most."""
    lost = {
        case: {name: before[case][name] - after[case][name] for name in before[case] if name in after[case]}
        for case in before
        if case in after
    }
    losers = {case: sum(by.values()) for case, by in lost.items() if any(value > 0 for value in by.values())}
    first = sorted(losers, key=lambda case: (-losers[case], case))[:QUESTIONS_SHOWN]
    questions = dict(EvaluationCase.objects.filter(pk__in=first).values_list("pk", "question"))
    return [
        Worse(questions[case], ", ".join(measure_name(name) for name, value in lost[case].items() if value > 0))
        for case in first
        if case in questions
    ]
