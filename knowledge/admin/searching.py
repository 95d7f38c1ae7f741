"""How a tenant is searched, in the admin: the settings with a button that tries the reranker, and synonyms."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from unfold import widgets

from knowledge import curation
from knowledge.admin.servers import ServerForm
from knowledge.changes import record_search_change
from knowledge.models import Reranker, SearchSettings, SynonymGroup
from knowledge.releasing import gate_is_on, request_release
from knowledge.retrieval.server_rerank import RerankError, RerankServer
from knowledge.synonym_lists import ARROW, MAX_GROUPS, Problem, parse_groups, problem_of
from tenants.admin.base import SingleRowAdmin, TenantModelAdmin, actor
from tenants.admin.fields import LinesField, OwnForm
from tenants.models import Role

WEIGHTS = ("dense_weight", "rerank_weight", "diversity")
TRIED = ("Can I return an opened box?", ("The office is closed on Sundays.", "An opened box can be returned."))
SHOWN_PROBLEMS = 10
MAX_LIST = 1 << 20  # bytes of a list of synonyms


class SearchSettingsForm(ServerForm, OwnForm):
    """The settings. The key of the reranker is written here and never read again."""

    address_field, key_field, private_field = "rerank_url", "rerank_sealed_key", "rerank_private"

    class Meta:
        model = SearchSettings
        fields = (
            "spelling", "diversity", "audiences", "dense_weight", "rerank_weight",
            "reranker", "rerank_url", "rerank_model",
        )  # fmt: skip
        labels = {
            "spelling": "Put typing errors right",
            "diversity": "Variety",
            "audiences": "Audiences of the chat",
            "dense_weight": "Meaning against words",
            "rerank_weight": "Weight of the close look",
            "reranker": "Who looks again",
            "rerank_url": "Address",
            "rerank_model": "Model",
        }
        help_texts = {
            "diversity": "0 to 1: how much further passages of one document give way to others. 0: not at all. "
            "Evaluation shows it in questions that expect a passage; documents count once there, wherever they stand.",
            "dense_weight": "0 to 1; empty: chosen from your documents, which is best for most.",
            "rerank_weight": "0 to 1; empty: chosen from your documents, which is best for most.",
            "reranker": "The best twenty passages are put in order once more. A server gets the question and the "
            "passages; it has two seconds, and the built-in order stands where it fails.",
            "rerank_url": "Such as https://api.example.com/v1/rerank.",
            "rerank_model": "The name that the server knows it by.",
        }

    def clean_rerank_url(self) -> str:
        return self.cleaned_address()

    def clean(self) -> dict[str, Any]:
        """A server needs an address."""
        values: dict[str, Any] = super().clean() or self.cleaned_data
        if values.get("reranker") == Reranker.SERVER and not values.get("rerank_url") and not self.errors:
            self.add_error("rerank_url", "Give the address of the server.")
        return values


@admin.register(SearchSettings)
class SearchSettingsAdmin(SingleRowAdmin):
    """The one row of the tenant's search, for its owners: a reranker costs money and reads the questions."""

    roles = (Role.OWNER,)
    form = SearchSettingsForm
    heading = "Search settings"
    audit_target = "search"
    change_form_outer_after_template = "admin/knowledge/searchsettings/try.html"
    fieldsets = (
        ("What is found", {"fields": ("spelling", "audiences")}),
        ("How it is weighed", {"fields": WEIGHTS}),
        ("A second look", {"fields": ("reranker", "rerank_url", "rerank_model", "key", "forget_key")}),
    )

    def get_form(self, request: Any, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The form, which lets operators name servers inside the network."""
        form = super().get_form(request, obj, change, **kwargs)
        form.operator = bool(request.user.is_superuser)
        return form

    def change_view(self, request: Any, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        """The form, and below it the button, which sends the form's address "_try"."""
        row = self.get_object(request, object_id)
        if request.method == "POST" and "_try" in request.POST:
            if not self.has_change_permission(request) or row is None:
                raise PermissionDenied
            return _try(request, row)
        context = {"tried": row, **(extra_context or {})}
        if row is not None and self.has_view_permission(request, row):
            from knowledge.admin.index import index_standing  # loads the indexes

            context["standing"] = index_standing(request.tenant.pk)
        return super().change_view(request, object_id, form_url, context)

    def save_model(self, request: Any, obj: SearchSettings, form: Any, change: bool) -> None:
        """Save it; other weights wait for their release where the gate is on."""
        changed = {name: getattr(obj, name) for name in WEIGHTS if name in form.changed_data}
        if changed and gate_is_on():
            before = SearchSettings.objects.get(pk=obj.pk)
            weights = {"dense": obj.dense_weight, "rerank": obj.rerank_weight, "diversity": obj.diversity}
            for name in changed:
                setattr(obj, name, getattr(before, name))
            request_release(change={"weights": weights}, label="Weights of the search", actor=actor(request))
            messages.info(request, "The weights wait until the tenant's questions have been asked with them.")
        super().save_model(request, obj, form, change)
        record_search_change()


def _try(request: Any, row: SearchSettings) -> HttpResponse:
    """Ask the reranker about two passages, of which one answers, and tell what came; once the scope is closed."""
    page = redirect("admin:knowledge_searchsettings_change", row.pk)
    if row.reranker != Reranker.SERVER or not row.rerank_url:
        messages.error(request, "No server is set up. Choose one, give its address and save.")
        return page

    def tried() -> HttpResponse:
        _ask(request, row)
        return page

    request.after_scope = tried
    return page


def _ask(request: HttpRequest, row: SearchSettings) -> None:
    try:
        wrong, right = RerankServer.of(row).ask(*TRIED)
    except RerankError as error:
        messages.error(request, f"It does not work yet: {error}")
        return
    if right > wrong:
        messages.success(request, f"It works: the passage that answers has {right:.3g}, the other one {wrong:.3g}.")
    else:
        messages.warning(request, f"It answers, but prefers the wrong passage: {wrong:.3g} against {right:.3g}.")


class SynonymForm(OwnForm):
    """A group of synonyms."""

    words = LinesField(
        label="Words or phrases that mean the same",
        required=True,
        help_text="One a line, such as “laptop” and “portable computer”. Case and endings do not count.",
    )

    class Meta:
        model = SynonymGroup
        fields = ("words", "one_way")
        labels = {"one_way": "One way only"}
        help_texts = {"one_way": "Who asks for the first also finds the others, but not the other way around."}

    def clean_words(self) -> list[str]:
        words = list(dict.fromkeys(" ".join(word.split()) for word in self.cleaned_data["words"]))
        if problem := problem_of(words):
            raise forms.ValidationError(problem)
        if not self.instance.pk and SynonymGroup.objects.count() >= MAX_GROUPS:
            raise forms.ValidationError(f"There are {MAX_GROUPS:,} groups already, the most that a tenant may have.")
        return words


class ImportForm(forms.Form):
    """A list of synonyms, pasted or in a file."""

    text = forms.CharField(
        required=False,
        max_length=MAX_LIST,
        label="Paste the list",
        widget=widgets.UnfoldAdminTextareaWidget(attrs={"rows": 10}),
        help_text=f"One group a line: “laptop, notebook, portable computer”. “device {ARROW} phone, tablet” is looked "
        "for one way only: who asks for a device finds phones.",
    )
    file = forms.FileField(
        required=False,
        label="Or choose a file",
        help_text="CSV or plain text, UTF-8.",
        widget=forms.FileInput(attrs={"class": "aw-files", "accept": ".csv,.txt,.tsv"}),
    )

    def clean(self) -> dict[str, Any]:
        """The groups, or what is wrong with which line; nothing is added before all of it is right."""
        values: dict[str, Any] = super().clean() or self.cleaned_data
        groups, problems = parse_groups(f"{values.get('text') or ''}\n{self._file_text(values.get('file'))}")
        room = MAX_GROUPS - SynonymGroup.objects.count()
        if problems:
            raise forms.ValidationError([str(problem) for problem in _shown(problems)])
        if not groups and not self.errors:
            raise forms.ValidationError("There is no group in it yet.")
        if len(groups) > room:
            raise forms.ValidationError(f"These are {len(groups):,} groups; there is room for {room:,} more.")
        values["groups"] = groups
        return values

    def _file_text(self, file: Any) -> str:
        if file is None:
            return ""
        if file.size > MAX_LIST:
            self.add_error("file", "The file is larger than 1 MB. Split it.")
            return ""
        try:
            return str(file.read().decode("utf-8-sig"))
        except UnicodeDecodeError:
            self.add_error("file", "The file is not UTF-8 text. Save it as CSV UTF-8.")
            return ""


def _shown(problems: list[Problem]) -> list[Problem | str]:
    more = len(problems) - SHOWN_PROBLEMS
    return [*problems[:SHOWN_PROBLEMS], *([f"And {more} more lines."] if more > 0 else [])]


@admin.register(SynonymGroup)
class SynonymGroupAdmin(TenantModelAdmin):
    """The tenant's synonyms, for its curators."""

    roles = (Role.CURATOR,)
    form = SynonymForm
    heading = "Synonyms"
    add_label = "Add a group"
    empty_hint = "Words that customers use and your documents do not: “handy” where these say “mobile phone”."
    list_display = ("__str__", "way", "created_at")
    search_fields = ("words",)
    list_before_template = "admin/knowledge/synonymgroup/import_link.html"
    fieldsets = ((None, {"fields": ("words", "one_way")}),)

    @admin.display(description="Found")
    def way(self, group: SynonymGroup) -> str:
        return "from the first to the others" if group.one_way else "each by all of them"

    def get_urls(self) -> list[URLPattern]:
        own = path("import/", self.admin_site.admin_view(self.import_list), name="knowledge_synonyms_import")
        return [own, *super().get_urls()]

    def import_list(self, request: HttpRequest) -> HttpResponse:
        """The page that adds many groups at once."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = ImportForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            added = curation.add_synonyms(form.cleaned_data["groups"], actor=actor(request))
            known = len(form.cleaned_data["groups"]) - added
            messages.success(request, f"{added} added." + (f" {known} were here already." if known else ""))
            return redirect("admin:knowledge_synonymgroup_changelist")
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": "Import synonyms", "form": form}
        return render(request, "admin/knowledge/synonymgroup/import.html", context)

    def save_model(self, request: Any, obj: SynonymGroup, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        action = "synonyms.edited" if change else "synonyms.added"
        curation.note_change(actor=actor(request), action=action, target=obj)

    def delete_model(self, request: Any, obj: SynonymGroup) -> None:
        super().delete_model(request, obj)
        curation.note_change(actor=actor(request), action="synonyms.deleted", target=obj)

    def delete_queryset(self, request: Any, queryset: Any) -> None:
        for row in queryset:
            self.delete_model(request, row)
